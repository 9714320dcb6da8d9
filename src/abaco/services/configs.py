"""Configs: values, some of them secret, that the executions of the actors they name are given."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from abaco.domain.config import MASK, Config, configs_text, named_actors, require_config_name
from abaco.domain.event import ConfigChanged, ConfigDeleted
from abaco.domain.ids import NewId
from abaco.domain.permission import Level
from abaco.domain.user import Principal
from abaco.errors import AbacoError, InvalidInput, NotFound, NotPermitted
from abaco.ports import Clock, ConfigValue, Emit, Store
from abaco.services.access import Access, require_full
from abaco.services.vault import Vault

__all__ = ["ConfigDescription", "ConfigTexts", "Configs"]


class ConfigDescription:
    """What a user says of a config; everything is required. Raises InvalidInput naming what is missing."""

    def __init__(self, value: str | None, is_secret: bool | None, actors: str | Sequence[str] | None) -> None:
        for label, given in (("value", value), ("is_secret", is_secret), ("actors", actors)):
            if given is None:
                raise InvalidInput(f"{label} is required.")
        self.value = value or ""
        self.is_secret = bool(is_secret)
        self.actors = named_actors(actors or "")


class Configs:
    """`check_actors` is the setting config_actor_permission_check."""

    def __init__(
        self, store: Store, access: Access, clock: Clock, new_id: NewId, vault: Vault, emit: Emit, *, check_actors: bool
    ) -> None:
        self._store = store
        self._access = access
        self._clock = clock
        self._new_id = new_id
        self._vault = vault
        self._emit = emit
        self._check_actors = check_actors

    def list(self, caller: Principal) -> "list[Config]":
        """The configs the caller may read, in order of creation."""
        require_full(caller)
        return self._store.configs.list_visible(caller.tenant, caller.username)

    def get(self, caller: Principal, name: str) -> Config:
        return self.require(caller, name, Level.READ)

    def require(self, caller: Principal, name: str, level: Level) -> Config:
        """The config, if `caller` has `level` on it; raises NotFound or NotPermitted."""
        require_full(caller)
        found = self._store.configs.find(caller.tenant, name, caller.username)
        if found is None:
            raise NotFound(f"No config found with name: {name[:80]}.")
        if not caller.is_admin and found.level < level:
            raise NotPermitted("Not authorized -- You do not have sufficient access to this actor config.")
        return found.config

    def create(self, caller: Principal, name: str | None, description: ConfigDescription) -> Config:
        """A new config for actors that the caller may update; raises Conflict if the name is taken."""
        require_full(caller)
        if not name:
            raise InvalidInput("name is required.")
        require_config_name(name)
        # Before the name is looked at: clients rely on the order of these two refusals.
        self._require_actors(caller, description.actors)
        configs_text({name: description.value})
        config = Config(
            id=self._new_id(),
            tenant=caller.tenant,
            name=name,
            value=self._stored(description),
            is_secret=description.is_secret,
            actors=description.actors,
            owner=caller.username,
            created_at=self._clock.now(),
        )
        self._store.configs.add(config)
        self._emit(ConfigChanged(config.tenant, config.name, caller.username))
        return config

    def update(self, caller: Principal, name: str, description: ConfigDescription) -> Config:
        """Replace everything but the name. A secret's mask as its value leaves the secret as it is."""
        current = self.require(caller, name, Level.UPDATE)
        self._require_actors(caller, description.actors)
        configs_text({name: description.value})
        keeps = current.is_secret and description.value == MASK
        if keeps and not description.is_secret:
            raise InvalidInput("value must be given anew when is_secret becomes false: a secret is never shown again.")
        if keeps and not caller.is_admin and caller.username != current.owner:
            self._require_no_further(current, description.actors)
        config = replace(
            current,
            value=current.value if keeps else self._stored(description),
            is_secret=description.is_secret,
            actors=description.actors,
        )
        self._store.configs.replace(config)
        self._emit(ConfigChanged(config.tenant, config.name, caller.username))
        return config

    def delete(self, caller: Principal, name: str) -> str:
        """Forget the config and its permissions; its name."""
        config = self.require(caller, name, Level.UPDATE)
        self._store.configs.remove(config.id)
        self._emit(ConfigDeleted(config.tenant, config.name, caller.username))
        return config.name

    @staticmethod
    def _require_no_further(current: Config, identifiers: Sequence[str]) -> None:
        """Raise NotPermitted if a secret would reach actors that it was not meant for.

        Who changes a config need not know its value, but an actor of theirs would print it.
        """
        further = set(identifiers) - set(current.actors)
        if further:
            raise NotPermitted(
                f"Not authorized -- actors: only the owner has a secret reach {min(further)[:80]} as well without "
                "giving its value anew.",
            )

    def _stored(self, description: ConfigDescription) -> str:
        return self._vault.seal(description.value) if description.is_secret else description.value

    def _require_actors(self, caller: Principal, identifiers: Sequence[str]) -> None:
        """Raise NotFound if one does not exist, NotPermitted if the caller may not update one."""
        found = [self._store.actors.find(caller.tenant, identifier, caller.username) for identifier in identifiers]
        for identifier, position in zip(identifiers, found, strict=True):
            if position is None:
                raise NotFound(f"actors: no actor found with identifier: {identifier[:80]}.")
        for identifier, position in zip(identifiers, found, strict=True):
            lacks = position is not None and position.level < Level.UPDATE
            if lacks and self._check_actors and not caller.is_admin:
                raise NotPermitted(f"Not authorized -- actors: you do not have UPDATE access to {identifier[:80]}.")


class ConfigTexts:
    """For the engine: what the executions of actors read in ``_actor_configs``."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault

    def of_actors(self, actor_ids: Collection[str]) -> Mapping[str, str | AbacoError]:
        """By actor that has configs, the text, or why there can be none; one query for all."""
        return {actor_id: self._text(values) for actor_id, values in self._store.configs.of_actors(actor_ids).items()}

    def _text(self, values: Sequence[ConfigValue]) -> str | AbacoError:
        try:
            return configs_text(
                {one.name: self._vault.unseal(one.value) if one.is_secret else one.value for one in values}
            )
        except AbacoError as error:
            return error
