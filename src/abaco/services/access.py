"""From the identifier in a URL to an actor the caller may use."""

from abaco.domain.actor import Actor
from abaco.domain.permission import Level
from abaco.domain.user import Principal
from abaco.errors import NotFound, NotPermitted
from abaco.ports import Store

__all__ = ["Access"]


class Access:
    def __init__(self, store: Store) -> None:
        self._store = store

    def require(self, caller: Principal, identifier: str, level: Level, *, state_api: bool = False) -> Actor:
        """The actor, if `caller` has `level` on it.

        Raises NotFound if the tenant has no such actor and NotPermitted if the caller lacks the level. An
        execution's own token opens the state of its own actor and, unless the actor asked for its owner's
        token, nothing else.
        """
        own_state = state_api and caller.grant is not None and caller.grant.actor_id == identifier
        if caller.state_only and not own_state:
            raise NotPermitted(
                "Not authorized -- this token is limited to the state of its own actor; "
                "register the actor with token=true for a token of its owner.",
            )
        found = self._store.actors.find(caller.tenant, identifier, caller.username)
        if found is None:
            raise NotFound(f"No actor found with identifier: {identifier[:80]}.")
        if not own_state and not caller.is_admin and found.level < level:
            raise NotPermitted("Not authorized -- you do not have access to this actor.")
        return found.actor
