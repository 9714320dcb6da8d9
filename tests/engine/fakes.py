"""What the engine does not own, in a few lines each: a test says what they do."""

from collections import defaultdict, deque
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from store.scene import NOW, outcome

from abaco.domain.execution import Outcome
from abaco.domain.manifest import Manifest
from abaco.ports import (
    ExecutionEnded,
    ImageRef,
    LogAppended,
    PoolEvent,
    PreparedImage,
    ResultSent,
    StartFailed,
    Stop,
    Task,
    TasksReturned,
    WorkerFailed,
    WorkerOrder,
    WorkerReady,
)

__all__ = ["DIGEST", "FakePool", "NoImages", "SetClock"]

DIGEST = "sha256:1"


class SetClock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class NoImages:
    """The engine itself never touches images."""

    def import_archive(self, archive: Path) -> str:
        raise NotImplementedError

    def prepare(self, ref: ImageRef, stop: Stop | None = None) -> PreparedImage:
        raise NotImplementedError

    def assemble(self, text: str, manifest: Manifest, owner: str, most: int) -> tuple[str, int]:
        raise NotImplementedError

    def prune(self, keep: Collection[str]) -> int:
        raise NotImplementedError


class FakePool:
    """Keeps the engine to the port's rules; `ready`, `end` and so on are its workers' words."""

    def __init__(self, emit: Callable[[PoolEvent], None]) -> None:
        self._emit = emit
        self.starting: dict[str, WorkerOrder] = {}
        self.free: set[str] = set()
        self.running: dict[str, tuple[str, Task]] = {}
        self.queues: defaultdict[str, deque[Task]] = defaultdict(deque)
        self.ran: list[str] = []
        self.halted: list[tuple[str, int]] = []
        self.stopped: list[str] = []

    # --- the port ---

    def start(self, order: WorkerOrder) -> None:
        self.starting[order.worker_id] = order

    def run(self, worker_id: str, task: Task) -> None:
        if worker_id in self.free:
            self.free.remove(worker_id)
            self._begin(worker_id, task)
        else:
            assert any(worker_id == busy for busy, _ in self.running.values())
            self.queues[worker_id].append(task)

    def _begin(self, worker_id: str, task: Task) -> None:
        self.running[task.spec.execution_id] = (worker_id, task)
        self.ran.append(task.spec.execution_id)

    def _go_on(self, worker_id: str) -> bool:
        """The worker is done with one task; whether it has another."""
        if self.queues[worker_id]:
            self._begin(worker_id, self.queues[worker_id].popleft())
            return True
        self.free.add(worker_id)
        return False

    def recall(self, worker_id: str) -> None:
        given, self.queues[worker_id] = self.queues[worker_id], deque()
        self._emit(TasksReturned(worker_id, [(task.spec.execution_id, task.attempt) for task in given]))

    def halt(self, execution_id: str, attempt: int) -> None:
        self.halted.append((execution_id, attempt))

    def stop(self, worker_id: str) -> None:
        if self.starting.pop(worker_id, None) is None:
            self.free.remove(worker_id)
        self.stopped.append(worker_id)

    def close(self) -> None:
        raise NotImplementedError

    # --- its workers' words ---

    def ready(self, *worker_ids: str) -> None:
        """These workers that start have got there, or all of them."""
        for worker_id in worker_ids or list(self.starting):
            del self.starting[worker_id]
            self.free.add(worker_id)
            self._emit(WorkerReady(worker_id, DIGEST))

    def fail(self, reason: str) -> None:
        """No worker that starts gets there."""
        for worker_id in list(self.starting):
            del self.starting[worker_id]
            self._emit(WorkerFailed(worker_id, reason))

    def say(self, execution_id: str, *, log: str = "", result: bytes = b"") -> None:
        attempt = self.running[execution_id][1].attempt
        if log:
            self._emit(LogAppended(execution_id, attempt, log))
        if result:
            self._emit(ResultSent(execution_id, attempt, result))

    def end(
        self, *execution_ids: str, log: str = "", results: Sequence[bytes] = (), result: Outcome | None = None
    ) -> None:
        for execution_id in execution_ids:
            worker_id, task = self.running.pop(execution_id)
            goes_on = self._go_on(worker_id)
            ended = ExecutionEnded(worker_id, execution_id, task.attempt, result or outcome(), log, results, goes_on)
            self._emit(ended)

    def fail_start(self, execution_id: str, reason: str = "no such program", *, by_output: bool = False) -> None:
        worker_id, task = self.running.pop(execution_id)
        self._go_on(worker_id)
        self._emit(StartFailed(worker_id, execution_id, task.attempt, reason, by_output))
