"""An execution: the processing of one message by one container, and the context its container sees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from abaco.domain.actor import Actor
from abaco.domain.config import CONFIGS_VARIABLE
from abaco.domain.environment import render, rendered
from abaco.domain.lifecycle import ExecutionStatus
from abaco.domain.message import Payload, message_variables
from abaco.domain.moment import iso

__all__ = [
    "Claim",
    "Execution",
    "ExecutionEntry",
    "ExecutionSummary",
    "Outcome",
    "StopReason",
    "context",
    "final_state",
    "not_run",
    "submitted",
]


_SOMETIMES = ("MSG", "_abaco_msg_json", "_abaco_jwt_header_name")
"""Variables of the service's that not every container has: nobody else gives them, either."""


class StopReason(StrEnum):
    """Why a container ended."""

    EXITED = "exited"
    OUT_OF_MEMORY = "out of memory"
    TIMED_OUT = "run time limit reached"
    HALTED = "halted by request"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a container. `cpu` in nanoseconds, `io` in bytes received; `error` says what went wrong.

    `prepared_at`: all that it needs was in place; `started_at`: its program was started; `first_output_at`: it said
    something; `finished_at`: it ended. None where that did not happen or is not known. `stays`: the container did not
    end, but waits for the next message.
    """

    status: ExecutionStatus
    reason: StopReason
    finished_at: datetime
    started_at: datetime | None = None
    exit_code: int | None = None
    cpu: int = 0
    io: int = 0
    error: str = ""
    image_digest: str | None = None
    prepared_at: datetime | None = None
    first_output_at: datetime | None = None
    stays: bool = False


@dataclass(frozen=True, slots=True)
class Execution:
    """One execution. `runtime` is in whole seconds, `cpu` in nanoseconds, `io` in bytes received.

    `claimed_at`: a worker got it; `recorded_at`: its end was written down; the others are its `Outcome`'s. While it
    runs `started_at` is `claimed_at`. `not_before` is the moment that its sender chose for it.
    """

    id: str
    actor_id: str
    tenant: str
    api_server: str
    executor: str
    status: ExecutionStatus
    received_at: datetime
    executor_uid: int | None = None
    executor_gid: int | None = None
    attempts: int = 0
    worker_id: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    runtime: int = 0
    cpu: int = 0
    io: int = 0
    exit_code: int | None = None
    final_state: Mapping[str, Any] | None = None
    image_digest: str | None = None
    claimed_at: datetime | None = None
    prepared_at: datetime | None = None
    first_output_at: datetime | None = None
    recorded_at: datetime | None = None
    not_before: datetime | None = None


class ExecutionEntry(NamedTuple):
    """What a summary tells of one execution: there may be hundreds of thousands."""

    id: str
    status: str
    started_at: datetime | None
    finished_at: datetime | None
    received_at: datetime
    cpu: int
    io: int
    runtime: int


@dataclass(frozen=True, slots=True)
class ExecutionSummary:
    """All executions of an actor, oldest first, with their sums."""

    executions: Sequence[ExecutionEntry]

    @property
    def total_cpu(self) -> int:
        return sum(e.cpu for e in self.executions)

    @property
    def total_io(self) -> int:
        return sum(e.io for e in self.executions)

    @property
    def total_runtime(self) -> int:
        return sum(e.runtime for e in self.executions)


@dataclass(frozen=True, slots=True)
class Claim:
    """A message leased to a worker: `attempt` fences off word from an earlier lease of the same message.

    `executor_ids` are the uid and gid of who sent it, where the actor runs as them. `max_run_time` is the message's.
    """

    execution_id: str
    attempt: int
    worker_id: str
    actor: Actor
    state: Any
    payload: Payload
    executor: str
    revision: int
    executor_ids: tuple[int, int] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    jwt_header: str | None = None
    max_run_time: float | None = None


def submitted(
    execution_id: str,
    actor: Actor,
    executor: str,
    now: datetime,
    ids: tuple[int | None, int | None] = (None, None),
    not_before: datetime | None = None,
) -> Execution:
    """The execution that a message for `actor` is born with; `ids`: uid and gid of `executor`, if they matter."""
    return Execution(
        id=execution_id,
        actor_id=actor.id,
        tenant=actor.tenant,
        api_server=actor.api_server,
        executor=executor,
        status=ExecutionStatus.SUBMITTED,
        received_at=now,
        executor_uid=ids[0],
        executor_gid=ids[1],
        not_before=not_before,
    )


def context(claim: Claim, access_token: str, configs: str = "{}") -> dict[str, str]:
    """The variables of the container, image's own excepted; later entries override earlier ones.

    Order and names are those of the wire contract: the actor's default environment, the query parameters of the
    POST, the service's variables, the message. ``_abaco_Content-Type`` is what old guest libraries read.
    """
    actor = claim.actor
    content_type = claim.payload.content_type.value
    variables = rendered(actor.default_environment)
    variables.update(claim.environment)
    for name in _SOMETIMES:
        variables.pop(name, None)
    variables.update(
        {
            "_abaco_actor_id": actor.id,
            "_abaco_actor_dbid": actor.dbid,
            "_abaco_actor_name": render(actor.name),
            "_abaco_actor_revision": str(claim.revision),
            "_abaco_actor_state": "{}" if actor.stateless else render(claim.state),
            "_abaco_container_repo": actor.image,
            "_abaco_worker_id": claim.worker_id,
            "_abaco_execution_id": claim.execution_id,
            "_abaco_username": claim.executor,
            "_abaco_api_server": actor.api_server,
            "_abaco_Content_Type": content_type,
            "_abaco_Content-Type": content_type,
            "_abaco_access_token": access_token,
            CONFIGS_VARIABLE: configs,
        },
    )
    if claim.jwt_header:
        variables["_abaco_jwt_header_name"] = claim.jwt_header
    variables.update(message_variables(claim.payload))
    return variables


def final_state(outcome: Outcome) -> dict[str, Any]:
    """The container's state in the words Docker uses, which clients know; ``Error`` and ``Reason`` are our own."""
    return {
        "Status": "exited" if outcome.reason is not StopReason.NOT_RUN else "created",
        "Running": False,
        "Paused": False,
        "Restarting": False,
        "OOMKilled": outcome.reason is StopReason.OUT_OF_MEMORY,
        "Dead": False,
        "Pid": 0,
        "ExitCode": outcome.exit_code,
        "Error": outcome.error or ("" if outcome.reason is StopReason.EXITED else outcome.reason.value),
        "Reason": outcome.reason.value,
        "StartedAt": iso(outcome.started_at),
        "FinishedAt": iso(outcome.finished_at),
    }


def not_run(reason: str, now: datetime) -> Outcome:
    """The outcome of an execution whose message was dropped or given up; `reason` is for the user."""
    return Outcome(ExecutionStatus.ERROR, StopReason.NOT_RUN, finished_at=now, error=reason)
