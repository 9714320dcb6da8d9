"""From the identifier in a URL to an actor the caller may use."""

from abaco.domain.actor import Actor, without_nonce
from abaco.domain.permission import Level
from abaco.domain.user import Principal
from abaco.errors import NotFound, NotPermitted
from abaco.ports import Store

__all__ = ["Access", "require_full", "require_lasting"]


class Access:
    """`base_url` is the server's own address, for tenants without one of their own; `default_token` the setting."""

    def __init__(self, store: Store, base_url: str, *, default_token: bool) -> None:
        self._store = store
        self._base_url = base_url
        self._default_token = default_token

    def gives_owner_token(self, actor: Actor) -> bool:
        """Whether the actor's executions may do everything its owner may."""
        return actor.gives_owner_token(self._default_token)

    @staticmethod
    def is_owner(caller: Principal, actor: Actor) -> bool:
        """Whether the caller is the owner in person, not by a nonce that they gave away."""
        return caller.username == actor.owner and not caller.by_nonce

    def api_server(self, tenant_id: str) -> str:
        """The base URL that users of the tenant reach the API at."""
        tenant = self._store.tenants.find(tenant_id)
        return (tenant.api_server if tenant else None) or self._base_url

    def shown(self, caller: Principal, actor: Actor) -> Actor:
        """`actor` as the caller may see it: only its owner and admins see a nonce in its webhook."""
        return actor if caller.is_admin or self.is_owner(caller, actor) else without_nonce(actor)

    def require(self, caller: Principal, identifier: str, level: Level, *, own: bool = False) -> Actor:
        """The actor, if `caller` has `level` on it.

        Raises NotFound if the tenant has no such actor and NotPermitted if the caller lacks the level. An
        execution's own token opens what is its own actor's `own`, its state and its files, and, unless the actor
        asked for its owner's token, nothing else.
        """
        is_own = own and caller.grant is not None and caller.grant.actor_id == identifier
        if caller.state_only and not is_own:
            raise NotPermitted(
                "Not authorized -- this token is limited to the state and the files of its own actor; "
                "register the actor with token=true for a token of its owner.",
            )
        found = self._store.actors.find(caller.tenant, identifier, caller.username)
        if found is None:
            raise NotFound(f"No actor found with identifier: {identifier[:80]}.")
        if not is_own and not caller.is_admin and found.level < level:
            raise NotPermitted("Not authorized -- you do not have access to this actor.")
        return found.actor


def require_full(caller: Principal) -> None:
    """Raise NotPermitted for an execution's token that opens no more than what is its own actor's."""
    if caller.state_only:
        raise NotPermitted("Not authorized -- this token is limited to the state and the files of its own actor.")


def require_lasting(caller: Principal) -> None:
    """Raise NotPermitted for a nonce: it may not give its bearer, or others, what outlives it."""
    if caller.by_nonce:
        raise NotPermitted("Not authorized -- a nonce may neither see or make nonces nor change permissions.")
