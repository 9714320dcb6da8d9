"""Reading and halting executions; their logs and results."""

from abaco.domain.actor import Actor
from abaco.domain.execution import Execution, ExecutionSummary
from abaco.domain.permission import Level
from abaco.domain.user import Principal
from abaco.errors import NotFound
from abaco.ports import Clock, Notifier, Store
from abaco.services.access import Access

__all__ = ["Executions"]


class Executions:
    def __init__(self, store: Store, access: Access, clock: Clock, notifier: Notifier) -> None:
        self._store = store
        self._access = access
        self._clock = clock
        self._notifier = notifier

    def summary(self, caller: Principal, identifier: str) -> tuple[Actor, ExecutionSummary]:
        actor = self._access.require(caller, identifier, Level.READ)
        return actor, ExecutionSummary(self._store.executions.of_actor(actor.id))

    def get(self, caller: Principal, identifier: str, execution_id: str) -> Execution:
        actor = self._access.require(caller, identifier, Level.READ)
        return self._find(actor, execution_id)

    def halt(self, caller: Principal, identifier: str, execution_id: str) -> None:
        """Have the running execution's container killed; raises Conflict if it does not run."""
        actor = self._access.require(caller, identifier, Level.UPDATE)
        self._store.executions.request_halt(actor.id, execution_id)
        self._notifier.notify(f"halt:{execution_id}")

    def log(self, caller: Principal, identifier: str, execution_id: str) -> tuple[Actor, str]:
        """The log so far; "" before the first output and after its expiry."""
        actor = self._access.require(caller, identifier, Level.READ)
        self._find(actor, execution_id)
        return actor, self._store.logs.find(execution_id, self._clock.now())

    def pop_result(self, caller: Principal, identifier: str, execution_id: str) -> bytes:
        """The oldest result not yet read, which it removes; b"" if there is none."""
        actor = self._access.require(caller, identifier, Level.READ)
        self._find(actor, execution_id)
        return self._store.results.pop(execution_id, self._clock.now()) or b""

    def _find(self, actor: Actor, execution_id: str) -> Execution:
        execution = self._store.executions.find(actor.id, execution_id)
        if execution is None:
            raise NotFound(f"No execution {execution_id[:80]} found for actor {actor.id}.")
        return execution
