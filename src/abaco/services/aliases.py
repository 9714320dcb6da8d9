"""Aliases: names of actors."""

from abaco.domain.alias import Alias, require_alias_name
from abaco.domain.event import AliasChanged, AliasDeleted
from abaco.domain.ids import NewId
from abaco.domain.permission import Level
from abaco.domain.user import Principal
from abaco.errors import InvalidInput, NotFound, NotPermitted
from abaco.ports import Clock, Emit, Store
from abaco.services.access import Access, require_full
from abaco.services.links import require_no_cycle_through

__all__ = ["Aliases"]

_DENIED = "Not authorized -- you do not have access to this alias."


class Aliases:
    def __init__(self, store: Store, access: Access, clock: Clock, new_id: NewId, emit: Emit) -> None:
        self._store = store
        self._access = access
        self._clock = clock
        self._new_id = new_id
        self._emit = emit

    def list(self, caller: Principal) -> "list[Alias]":
        """The aliases the caller may read, in order of creation."""
        require_full(caller)
        return self._store.aliases.list_visible(caller.tenant, caller.username)

    def get(self, caller: Principal, name: str) -> Alias:
        return self.require(caller, name, Level.READ)

    def require(self, caller: Principal, name: str, level: Level, denied: str = _DENIED) -> Alias:
        """The alias, if `caller` has `level` on it; raises NotFound, or NotPermitted with the text `denied`."""
        require_full(caller)
        found = self._store.aliases.find(caller.tenant, name, caller.username)
        if found is None:
            raise NotFound(f"No alias found with name: {name[:80]}.")
        if not caller.is_admin and found.level < level:
            raise NotPermitted(denied)
        return found.alias

    def create(self, caller: Principal, name: str | None, actor_id: str | None) -> Alias:
        """Name an actor that the caller may update; raises Conflict if the name is taken."""
        require_full(caller)
        require_alias_name(name or "")
        actor = self._require_actor(caller, actor_id, "Not authorized -- you do not have access to this actor.")
        require_no_cycle_through(self._store, caller.tenant, name or "", actor)
        alias = Alias(
            id=self._new_id(),
            tenant=caller.tenant,
            alias=name or "",
            actor_id=actor,
            owner=caller.username,
            api_server=self._access.api_server(caller.tenant),
            created_at=self._clock.now(),
        )
        self._store.aliases.add(alias)
        self._emit(AliasChanged(alias.tenant, alias.alias, alias.actor_id, caller.username))
        return alias

    def retarget(self, caller: Principal, name: str, actor_id: str | None) -> Alias:
        """Have the alias name another actor, which the caller must be allowed to update, too."""
        alias = self.require(caller, name, Level.UPDATE)
        denied = "Not authorized -- you do not have UPDATE access to the actor you want to associate with this alias."
        actor = self._require_actor(caller, actor_id, denied)
        require_no_cycle_through(self._store, caller.tenant, alias.alias, actor)
        changed = self._store.aliases.retarget(alias, actor, caller.username)
        self._emit(AliasChanged(changed.tenant, changed.alias, changed.actor_id, caller.username))
        return changed

    def delete(self, caller: Principal, name: str) -> str:
        """Forget the alias with its permissions and nonces; its name."""
        alias = self.require(caller, name, Level.UPDATE)
        self._store.aliases.remove(alias.id)
        self._emit(AliasDeleted(alias.tenant, alias.alias, caller.username))
        return alias.alias

    def _require_actor(self, caller: Principal, actor_id: str | None, denied: str) -> str:
        """The id of the actor to be named, which must be given by its id, not by another alias."""
        if not actor_id:
            raise InvalidInput("actor_id is required: the id of the actor that the alias names.")
        found = self._store.actors.find(caller.tenant, actor_id, caller.username)
        if found is None or found.actor.id != actor_id:
            raise NotFound(f"No actor found with id: {actor_id[:80]}.")
        if not caller.is_admin and found.level < Level.UPDATE:
            raise NotPermitted(denied)
        return actor_id
