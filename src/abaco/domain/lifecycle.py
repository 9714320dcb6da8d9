"""The statuses of actors, executions and workers, and the moves between them that are legal."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

__all__ = [
    "ACTOR_MOVES",
    "EXECUTION_MOVES",
    "TERMINAL",
    "WORKER_MOVES",
    "ActorStatus",
    "ExecutionStatus",
    "WorkerStatus",
    "sources",
]


class ActorStatus(StrEnum):
    SUBMITTED = "SUBMITTED"  #: registered or updated; its image is being prepared
    READY = "READY"  #: a worker of the current revision has been up
    ERROR = "ERROR"  #: the image or its containers do not work; `status_message` says why
    SHUTTING_DOWN = "SHUTTING_DOWN"  #: deleted; its running executions are being stopped


class ExecutionStatus(StrEnum):
    SUBMITTED = "SUBMITTED"  #: its message waits in the mailbox
    RUNNING = "RUNNING"  #: claimed by a worker
    COMPLETE = "COMPLETE"  #: the container ended, for whatever reason
    ERROR = "ERROR"  #: the service could not run it


class WorkerStatus(StrEnum):
    REQUESTED = "REQUESTED"  #: started, its image being prepared
    READY = "READY"  #: waits for a message
    BUSY = "BUSY"  #: an execution is in progress
    SHUTDOWN_REQUESTED = "SHUTDOWN_REQUESTED"  #: stops after its execution


S = TypeVar("S", bound=StrEnum)

TERMINAL = frozenset({ExecutionStatus.COMPLETE, ExecutionStatus.ERROR})

ACTOR_MOVES: Mapping[ActorStatus, frozenset[ActorStatus]] = {
    ActorStatus.SUBMITTED: frozenset({ActorStatus.READY, ActorStatus.ERROR, ActorStatus.SHUTTING_DOWN}),
    ActorStatus.READY: frozenset({ActorStatus.SUBMITTED, ActorStatus.ERROR, ActorStatus.SHUTTING_DOWN}),
    ActorStatus.ERROR: frozenset({ActorStatus.SUBMITTED, ActorStatus.READY, ActorStatus.SHUTTING_DOWN}),
    ActorStatus.SHUTTING_DOWN: frozenset(),
}

EXECUTION_MOVES: Mapping[ExecutionStatus, frozenset[ExecutionStatus]] = {
    # ERROR without running: the mailbox was purged, or the actor deleted.
    ExecutionStatus.SUBMITTED: frozenset({ExecutionStatus.RUNNING, ExecutionStatus.ERROR}),
    # Back to SUBMITTED: the attempt was lost with its engine, or its container could not start.
    ExecutionStatus.RUNNING: frozenset(
        {ExecutionStatus.SUBMITTED, ExecutionStatus.COMPLETE, ExecutionStatus.ERROR},
    ),
    ExecutionStatus.COMPLETE: frozenset(),
    ExecutionStatus.ERROR: frozenset(),
}

WORKER_MOVES: Mapping[WorkerStatus, frozenset[WorkerStatus]] = {
    WorkerStatus.REQUESTED: frozenset({WorkerStatus.READY, WorkerStatus.SHUTDOWN_REQUESTED}),
    WorkerStatus.READY: frozenset({WorkerStatus.BUSY, WorkerStatus.SHUTDOWN_REQUESTED}),
    WorkerStatus.BUSY: frozenset({WorkerStatus.READY, WorkerStatus.SHUTDOWN_REQUESTED}),
    WorkerStatus.SHUTDOWN_REQUESTED: frozenset(),
}


def sources(moves: Mapping[S, frozenset[S]], target: S) -> frozenset[S]:
    """The statuses from which `moves` allows to reach `target`."""
    return frozenset(status for status, targets in moves.items() if target in targets)
