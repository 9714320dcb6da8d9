"""The state of stateful actors."""

from typing import Any

from abaco.domain.actor import Actor
from abaco.domain.environment import MAX_VARIABLE_BYTES, fits, render
from abaco.domain.permission import Level
from abaco.domain.user import Principal
from abaco.errors import Conflict, InvalidInput, NotFound, TooLarge
from abaco.ports import Store
from abaco.services.access import Access

__all__ = ["State", "require_state"]

_VARIABLE = "_abaco_actor_state"


def require_state(state: Any) -> None:
    """Raise TooLarge or InvalidInput if `state` could not be given to the next execution."""
    text = render(state)
    if "\0" in text:
        raise InvalidInput("state may not be a text with a NUL character: an environment variable cannot carry it.")
    if not fits(_VARIABLE, text):
        raise TooLarge(
            f"state takes {len(text.encode())} bytes as {_VARIABLE}; an environment variable holds "
            f"{MAX_VARIABLE_BYTES - len(_VARIABLE) - 1}. Keep large data elsewhere and its address in the state.",
        )


class State:
    def __init__(self, store: Store, access: Access) -> None:
        self._store = store
        self._access = access

    def get(self, caller: Principal, identifier: str) -> Any:
        """The landed state; a running execution reads what it has staged itself. Stateless actors have ``{}``."""
        actor = self._access.require(caller, identifier, Level.READ, own=True)
        if actor.stateless:
            return {}
        staged = self._staged(caller, actor)
        return staged[0] if staged is not None else actor.state

    def _staged(self, caller: Principal, actor: Actor) -> tuple[Any] | None:
        grant = caller.grant
        if grant is None or grant.actor_id != actor.id:
            return None
        return self._store.state.find_staged(grant.execution_id, grant.attempt)

    def put(self, caller: Principal, identifier: str, state: Any) -> tuple[Actor, Any]:
        """Replace the whole state; the actor and its state as the caller now sees it.

        Written by a running execution it is staged, and lands when that execution closes (P4).
        """
        actor = self._access.require(caller, identifier, Level.UPDATE, own=True)
        if actor.stateless:
            raise NotFound("actor is stateless.")
        require_state(state)
        grant = caller.grant
        if grant is None or grant.actor_id != actor.id:
            self._store.state.put(actor.id, state)
        elif not self._store.state.stage(grant.execution_id, grant.attempt, state):
            raise Conflict("This execution does not run any more; its state was not taken.")
        return self._access.shown(caller, actor), state
