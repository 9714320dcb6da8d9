"""Reading and halting executions; their logs and results."""

from dataclasses import dataclass

from abaco.domain.actor import Actor
from abaco.domain.execution import Execution, ExecutionSummary
from abaco.domain.lifecycle import TERMINAL, ActorStatus, ExecutionStatus
from abaco.domain.log_position import LogPiece, LogPosition
from abaco.domain.permission import Level
from abaco.domain.user import Principal
from abaco.errors import ExecutionFailed, NotFound
from abaco.ports import Clock, Notifier, Store, StoredResult
from abaco.services.access import Access
from abaco.services.mailbox import Posted

__all__ = ["Answer", "Executions", "Stuck"]

_PIECE_CHARACTERS = 65_536
_RESULTS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Answer:
    """What a synchronous message is answered with."""

    data: bytes
    is_result: bool


@dataclass(frozen=True, slots=True)
class Stuck:
    """Why a synchronous message is not executed for now, and nobody knows how long."""

    reason: str


class Executions:
    def __init__(self, store: Store, access: Access, clock: Clock, notifier: Notifier) -> None:
        self._store = store
        self._access = access
        self._clock = clock
        self._notifier = notifier

    def summary(self, caller: Principal, identifier: str) -> tuple[Actor, ExecutionSummary]:
        actor = self._access.require(caller, identifier, Level.READ)
        return actor, self._store.executions.summary(actor.id)

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

    def log_piece(self, caller: Principal, identifier: str, execution_id: str, known: LogPosition) -> LogPiece:
        """What follows in the log after what is `known`, a bounded piece of it."""
        actor = self._access.require(caller, identifier, Level.READ)
        # In this order: what the execution said before it ended is there when its end is seen.
        execution = self._find(actor, execution_id)
        restarted = known.is_void(execution)
        offset = 0 if restarted else known.offset
        text = self._store.logs.piece(execution.id, offset, _PIECE_CHARACTERS, self._clock.now())
        return LogPiece(execution, text, LogPosition(offset + len(text), execution.attempts), restarted)

    def answer(self, posted: Posted) -> Answer | Stuck | None:
        """What a request that waits for its execution is answered with, or None: not yet.

        The first result, as soon as there is one; else, at the end, the log. The result is taken, but not if the
        message has a key: whoever sends it again gets the same answer. Raises ExecutionFailed if it ended in ERROR.
        """
        result = self._first_result(posted)
        if result is not None:
            return Answer(result, is_result=True)
        execution = self._find(posted.actor, posted.execution_id)
        if execution.status in TERMINAL:
            # What it sent before it ended, but after the look above, is there when its end is seen.
            result = self._first_result(posted)
        if result is not None:
            return Answer(result, is_result=True)
        if execution.status is ExecutionStatus.ERROR:
            raise ExecutionFailed(
                f"Execution {execution.id} ended in ERROR: {(execution.final_state or {}).get('Error')}"
            )
        if execution.status is not ExecutionStatus.COMPLETE:
            return self._stuck(posted.actor) if execution.status is ExecutionStatus.SUBMITTED else None
        return Answer(self._store.logs.find(execution.id, self._clock.now()).encode(), is_result=False)

    def _stuck(self, actor: Actor) -> Stuck | None:
        """Why nothing of the actor is executed, if nothing is."""
        found = self._store.actors.find(actor.tenant, actor.id, actor.owner)
        if found is None or found.actor.status is not ActorStatus.ERROR:
            return None
        return Stuck(f"The message waits until the actor is mended: it is in ERROR. {found.actor.status_message}")

    def _first_result(self, posted: Posted) -> bytes | None:
        results, now = self._store.results, self._clock.now()
        if posted.keyed:
            return results.peek(posted.execution_id, now)
        return results.pop(posted.execution_id, now, lasting=False)

    def pop_result(self, caller: Principal, identifier: str, execution_id: str) -> bytes:
        """The oldest result not yet read, which it removes; b"" if there is none."""
        actor = self._access.require(caller, identifier, Level.READ)
        self._find(actor, execution_id)
        return self._store.results.pop(execution_id, self._clock.now()) or b""

    def results_after(self, caller: Principal, identifier: str, after: int) -> tuple[Actor, list[StoredResult]]:
        """What executions of the actor sent after the result numbered so, the oldest of it; it stays to be read."""
        actor = self._access.require(caller, identifier, Level.READ)
        return actor, self._store.results.of_actor(actor.id, after, _RESULTS_AT_ONCE, self._clock.now())

    def _find(self, actor: Actor, execution_id: str) -> Execution:
        execution = self._store.executions.find(actor.id, execution_id)
        if execution is None:
            raise NotFound(f"No execution {execution_id[:80]} found for actor {actor.id}.")
        return execution
