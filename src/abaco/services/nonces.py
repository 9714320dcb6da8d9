"""Nonces of actors and of aliases: making, showing, deleting, redeeming."""

from dataclasses import dataclass

from abaco.domain.credentials import NonceUse
from abaco.domain.ids import digest, new_nonce
from abaco.domain.nonce import UNLIMITED, Nonce, carried, require_max_uses
from abaco.domain.permission import Level, require_level
from abaco.domain.user import Principal
from abaco.errors import InvalidInput, NotFound, NotPermitted
from abaco.ports import Clock, Store
from abaco.services.access import Access, require_lasting
from abaco.services.aliases import Aliases
from abaco.services.vault import Vault

__all__ = ["NonceHolder", "NonceRedeemer", "Nonces", "ShownNonce"]

_MAX_DESCRIPTION = 16_384


@dataclass(frozen=True, slots=True)
class ShownNonce:
    """A nonce with its own text, for whoever may see it; `actor_id` is the actor it opens now."""

    id: str
    nonce: Nonce
    actor_id: str


@dataclass(frozen=True, slots=True)
class NonceHolder:
    """What nonces are made for: an actor, or an alias of it."""

    actor_id: str
    alias_id: str | None = None
    alias: str | None = None


class Nonces:
    def __init__(self, store: Store, access: Access, aliases: Aliases, clock: Clock, vault: Vault) -> None:
        self._store = store
        self._access = access
        self._aliases = aliases
        self._clock = clock
        self._vault = vault

    def of_actor(self, caller: Principal, identifier: str) -> NonceHolder:
        """The actor as a holder; who sees a nonce can use it, so UPDATE is required for everything."""
        holder = NonceHolder(self._access.require(caller, identifier, Level.UPDATE).id)
        require_lasting(caller)
        return holder

    def of_alias(self, caller: Principal, name: str) -> NonceHolder:
        """The alias as a holder; requires UPDATE on it and on its actor."""
        denied = "Not authorized -- you do not have access to this alias and actor."
        alias = self._aliases.require(caller, name, Level.UPDATE, denied)
        try:
            self._access.require(caller, alias.actor_id, Level.UPDATE)
        except NotPermitted:
            raise NotPermitted(denied) from None
        require_lasting(caller)
        return NonceHolder(alias.actor_id, alias.id, alias.alias)

    def create(
        self, caller: Principal, holder: NonceHolder, level: str | None, max_uses: int | None, description: str
    ) -> ShownNonce:
        granted = Level.EXECUTE if level is None else require_level(level)
        if holder.alias_id is not None and granted is Level.UPDATE:
            raise InvalidInput("level UPDATE is not possible for nonces of aliases: use NONE, READ or EXECUTE.")
        if len(description) > _MAX_DESCRIPTION:
            raise InvalidInput(f"description may be {_MAX_DESCRIPTION} characters long at most.")
        nonce_id = new_nonce(caller.tenant)
        nonce = Nonce(
            digest=digest(nonce_id),
            sealed=self._vault.seal(nonce_id),
            tenant=caller.tenant,
            actor_id=holder.actor_id if holder.alias_id is None else None,
            alias_id=holder.alias_id,
            alias=holder.alias,
            owner=caller.username,
            roles=caller.roles,
            api_server=self._access.api_server(caller.tenant),
            level=granted,
            max_uses=require_max_uses(UNLIMITED if max_uses is None else max_uses),
            current_uses=0,
            description=description,
            created_at=self._clock.now(),
        )
        self._store.nonces.add(nonce)
        return ShownNonce(nonce_id, nonce, holder.actor_id)

    def list(self, holder: NonceHolder) -> "list[ShownNonce]":
        return [
            ShownNonce(self._vault.unseal(nonce.sealed), nonce, holder.actor_id)
            for nonce in self._store.nonces.of_holder(holder.actor_id, holder.alias_id)
        ]

    def get(self, holder: NonceHolder, nonce_id: str) -> ShownNonce:
        nonce = self._store.nonces.find(digest(nonce_id))
        if nonce is None or not _is_of(nonce, holder):
            raise NotFound("Nonce not found.")
        return ShownNonce(nonce_id, nonce, holder.actor_id)

    def delete(self, holder: NonceHolder, nonce_id: str) -> None:
        self._store.nonces.remove(self.get(holder, nonce_id).nonce.digest)


def _is_of(nonce: Nonce, holder: NonceHolder) -> bool:
    if holder.alias_id is not None:
        return nonce.alias_id == holder.alias_id
    return nonce.actor_id == holder.actor_id


class NonceRedeemer:
    """Turns the use of a nonce into a principal, counting it; `accepted` is the setting accept_nonce."""

    def __init__(self, store: Store, clock: Clock, *, accepted: bool) -> None:
        self._store = store
        self._clock = clock
        self._accepted = accepted

    def redeem(self, use: NonceUse) -> Principal:
        """Who the request runs as: the nonce's owner, without roles that open more than the nonce's own actor.

        Its uses are consumed, all or none, if the nonce exists, is for what the URL names, has the level, and so many
        are left; else NotPermitted.
        """
        if not self._accepted:
            raise NotPermitted("Not authorized -- this server does not accept nonces.")
        nonce = self._store.nonces.find(digest(use.nonce_id))
        if nonce is None or not nonce.opens(use.identifier, on_alias=use.on_alias):
            raise NotPermitted("Not authorized -- Nonce does not exist.")
        if nonce.level < use.level:
            raise NotPermitted("Not authorized -- Nonce does not have sufficient permissions level.")
        if not self._store.nonces.use(nonce.digest, self._clock.now(), use.times):
            raise NotPermitted("Not authorized -- No remaining uses left for this nonce.")
        return Principal(nonce.tenant, nonce.owner, carried(nonce.roles), by_nonce=True)
