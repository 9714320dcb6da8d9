"""Where the time of an execution goes, and why it waits or how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass

from abaco.domain.actor import Actor
from abaco.domain.execution import Execution
from abaco.domain.explanation import Explanation, Places, Situation, explain
from abaco.domain.lifecycle import TERMINAL, ExecutionStatus
from abaco.domain.permission import Level
from abaco.domain.timeline import Timeline
from abaco.domain.user import Principal
from abaco.errors import NotFound
from abaco.ports import Clock, Store
from abaco.services.access import Access

__all__ = ["Explained", "Explanations"]


@dataclass(frozen=True, slots=True)
class Explained:
    """An execution with its explanation. `durations` are in milliseconds, up to now where something goes on.

    `ahead` are the messages that wait before its own; None once it does not wait any more.
    """

    actor: Actor
    execution: Execution
    timeline: Timeline
    durations: Mapping[str, int | None]
    explanation: Explanation
    ahead: int | None


class Explanations:
    def __init__(self, store: Store, access: Access, clock: Clock, places: Places) -> None:
        self._store = store
        self._access = access
        self._clock = clock
        self._places = places

    def explain(self, caller: Principal, identifier: str, execution_id: str) -> Explained:
        actor = self._access.require(caller, identifier, Level.READ)
        execution = self._store.executions.find(actor.id, execution_id)
        if execution is None:
            raise NotFound(f"No execution {execution_id[:80]} found for actor {actor.id}.")
        now = self._clock.now()
        is_over = execution.status in TERMINAL
        situation = Situation(engines=0) if is_over else self._store.situations.find(execution, now)
        timeline = Timeline.of(execution)
        return Explained(
            actor=actor,
            execution=execution,
            timeline=timeline,
            durations=timeline.durations(None if is_over else now),
            explanation=explain(execution, actor, situation, self._places, now),
            ahead=situation.ahead if execution.status is ExecutionStatus.SUBMITTED else None,
        )
