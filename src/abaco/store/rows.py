"""From rows to domain objects and back: columns are named as the objects' fields are."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from abaco.domain.actor import Actor
from abaco.domain.execution import Execution, Outcome, final_state
from abaco.domain.lifecycle import ActorStatus, ExecutionStatus
from abaco.store.tables import actors, executions

__all__ = [
    "ACTOR_COLUMNS",
    "EXECUTION_COLUMNS",
    "actor_values",
    "outcome_values",
    "to_actor",
    "to_execution",
]

_ACTOR_FIELDS = [field.name for field in fields(Actor)]
_EXECUTION_FIELDS = [field.name for field in fields(Execution)]
ACTOR_COLUMNS = [actors.c[name] for name in _ACTOR_FIELDS]
EXECUTION_COLUMNS = [executions.c[name] for name in _EXECUTION_FIELDS]


def to_actor(row: Sequence[Any]) -> Actor:
    """The actor in a row that selected ACTOR_COLUMNS first."""
    values = dict(zip(_ACTOR_FIELDS, row, strict=False))
    values["status"] = ActorStatus(values["status"])
    values["hints"] = tuple(values["hints"])
    values["gpus"] = tuple(values["gpus"] or ())
    return Actor(**values)


def actor_values(actor: Actor) -> dict[str, Any]:
    return {name: getattr(actor, name) for name in _ACTOR_FIELDS}


def to_execution(row: Sequence[Any]) -> Execution:
    """The execution in a row that selected EXECUTION_COLUMNS."""
    values = dict(zip(_EXECUTION_FIELDS, row, strict=True))
    values["status"] = ExecutionStatus(values["status"])
    return Execution(**values)


def outcome_values(outcome: Outcome, recorded_at: datetime) -> dict[str, Any]:
    """What an outcome sets in the execution's row; `runtime` in whole seconds, as the wire has it."""
    values: dict[str, Any] = {
        "status": outcome.status,
        "prepared_at": outcome.prepared_at,
        "first_output_at": outcome.first_output_at,
        "finished_at": outcome.finished_at,
        "recorded_at": recorded_at,
        "runtime": 0,
        "cpu": outcome.cpu,
        "io": outcome.io,
        "exit_code": outcome.exit_code,
        "final_state": final_state(outcome),
    }
    if outcome.started_at is not None:
        values["started_at"] = outcome.started_at
        values["runtime"] = int((outcome.finished_at - outcome.started_at).total_seconds())
    if outcome.image_digest is not None:
        values["image_digest"] = outcome.image_digest
    return values
