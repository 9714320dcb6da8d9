"""Where workers live, and what they tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from abaco.domain.execution import Outcome
from abaco.ports.images import ImageRef
from abaco.ports.runtime import ContainerSpec

__all__ = [
    "ExecutionEnded",
    "LogAppended",
    "Pool",
    "PoolEvent",
    "ResultSent",
    "StartFailed",
    "Task",
    "TasksReturned",
    "WorkerFailed",
    "WorkerOrder",
    "WorkerReady",
]


@dataclass(frozen=True, slots=True)
class WorkerOrder:
    """A worker to start: `worker_id` will take messages of one actor at one revision."""

    worker_id: str
    actor_id: str
    image: ImageRef


@dataclass(frozen=True, slots=True)
class Task:
    """One attempt of one execution, for a worker."""

    attempt: int
    spec: ContainerSpec
    max_log_characters: int


@dataclass(frozen=True, slots=True)
class WorkerReady:
    worker_id: str
    image_digest: str


@dataclass(frozen=True, slots=True)
class WorkerFailed:
    """The worker could not be prepared and is gone; `reason` is for the user."""

    worker_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class LogAppended:
    """Output of a container that goes on running."""

    execution_id: str
    attempt: int
    text: str


@dataclass(frozen=True, slots=True)
class ResultSent:
    """A result of a container that goes on running."""

    execution_id: str
    attempt: int
    data: bytes


@dataclass(frozen=True, slots=True)
class StartFailed:
    """The container could not be started; the worker is free again. `by_output` as in ContainerStartError.

    What it seems to have said is nobody's.
    """

    worker_id: str
    execution_id: str
    attempt: int
    reason: str
    by_output: bool = False


@dataclass(frozen=True, slots=True)
class ExecutionEnded:
    """The container ended; `log_text` and `results` are what no LogAppended and no ResultSent has carried.

    The worker is free again, or `goes_on` with the next task that it was given.
    """

    worker_id: str
    execution_id: str
    attempt: int
    outcome: Outcome
    log_text: str
    results: Sequence[bytes] = ()
    goes_on: bool = False


@dataclass(frozen=True, slots=True)
class TasksReturned:
    """The answer to `Pool.recall`: executions and attempts that the worker had not begun and will not."""

    worker_id: str
    tasks: Sequence[tuple[str, int]]


PoolEvent = WorkerReady | WorkerFailed | LogAppended | ResultSent | StartFailed | ExecutionEnded | TasksReturned


class Pool(Protocol):
    """Where workers live. Methods return at once; what comes of them arrives as events, in order per worker."""

    def start(self, order: WorkerOrder) -> None: ...

    def run(self, worker_id: str, task: Task) -> None:
        """Give a ready worker a task; it runs its tasks one after the other, in order."""

    def recall(self, worker_id: str) -> None:
        """Have a worker give back the tasks it has not begun; TasksReturned follows."""

    def halt(self, execution_id: str, attempt: int) -> None:
        """Kill the container of this attempt, if it runs or when its turn comes; ExecutionEnded follows."""

    def stop(self, worker_id: str) -> None:
        """Retire a worker that is free, or has not said WorkerReady: what it prepares is broken off."""

    def close(self) -> None:
        """Kill what runs, stop all workers, and wait for them; no events follow."""
