"""A worker: prepare a sandbox once, then run one container a task, one after the other, until retired."""

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Lock

from abaco.domain.execution import Outcome, StopReason
from abaco.domain.lifecycle import ExecutionStatus
from abaco.domain.moment import utc_now
from abaco.pool.recorder import Recorder
from abaco.pool.stop import StopSignal
from abaco.ports import (
    ContainerStartError,
    ExecutionEnded,
    ImageError,
    ImageProvider,
    PoolEvent,
    PreparedImage,
    Runtime,
    Sandbox,
    StartFailed,
    Task,
    TasksReturned,
    WorkerFailed,
    WorkerOrder,
    WorkerReady,
)

__all__ = ["Worker"]


class _Given:
    """A task that the worker has been given, what stops it, and where its container's words go."""

    def __init__(self, task: Task, emit: Callable[[PoolEvent], None]) -> None:
        self.task = task
        self.stop = StopSignal()
        self.recorder = Recorder(task.spec.execution_id, task.attempt, task.max_log_characters, emit)

    @property
    def attempt(self) -> tuple[str, int]:
        return self.task.spec.execution_id, self.task.attempt


class Worker:
    """Runs in a thread of its own (`main`); the other methods may be called from any thread."""

    def __init__(
        self,
        order: WorkerOrder,
        images: ImageProvider,
        runtime: Runtime,
        emit: Callable[[PoolEvent], None],
    ) -> None:
        self._order = order
        self._images = images
        self._runtime = runtime
        self._emit = emit
        self._lock = Lock()
        # A word for each task that is given, and for the end: taken without the lock.
        self._words: SimpleQueue[None] = SimpleQueue()
        self._queue: deque[_Given] = deque()
        self._current: _Given | None = None
        # Breaks off the preparation; None once there is nothing to break off.
        self._preparing: StopSignal | None = StopSignal()
        self._retired = False
        self._killed = False

    def give(self, task: Task) -> None:
        """Hand the worker a task, to be run after those that it has."""
        given = _Given(task, self._emit)
        with self._lock:
            if self._killed:
                given.stop.set()
            self._queue.append(given)
        self._words.put(None)

    def recall(self) -> None:
        """Give back what has not begun."""
        with self._lock:
            waiting, self._queue = self._queue, deque()
        for given in waiting:
            given.stop.close()
        self._emit(TasksReturned(self._order.worker_id, [given.attempt for given in waiting]))

    def halt(self, execution_id: str, attempt: int) -> None:
        """Stop the container of that attempt, now or when it begins."""
        with self._lock:
            for given in self._all():
                if given.attempt == (execution_id, attempt):
                    given.stop.set()

    def retire(self, *, kill: bool) -> None:
        """Stop after the tasks it has, or at once with `kill`, or while it prepares: then it says no more."""
        with self._lock:
            self._retired = True
            if self._preparing is not None:
                self._preparing.set()
            if kill:
                self._killed = True
                for given in self._all():
                    given.stop.set()
        self._words.put(None)

    def _all(self) -> list[_Given]:
        return [*([self._current] if self._current else []), *self._queue]

    def main(self) -> None:
        """The worker's life."""
        try:
            image = self._image()
            sandbox = self._runtime.sandbox(self._order.worker_id, image)
        except ImageError as error:
            self._failed(str(error))
            return
        except Exception as error:  # noqa: BLE001 - the boundary: the engine counts on hearing of this worker
            self._failed(f"The service failed to prepare a worker: {type(error).__name__}: {error}")
            return
        try:
            self._emit(WorkerReady(self._order.worker_id, image.digest))
            self._prepare(sandbox)
            while (given := self._next()) is not None:
                self._emit(self._run(sandbox, given))
                self._prepare(sandbox)
        finally:
            sandbox.close()

    def _image(self) -> PreparedImage:
        stop = self._preparing
        assert stop is not None  # noqa: S101 - a worker has one life
        try:
            return self._images.prepare(self._order.image, stop)
        finally:
            with self._lock:
                self._preparing = None
            stop.close()

    def _failed(self, reason: str) -> None:
        if not self._retired:
            self._emit(WorkerFailed(self._order.worker_id, reason))

    def _next(self) -> _Given | None:
        """The next task, waited for; None once there will be no more."""
        while True:
            self._words.get()
            with self._lock:
                if self._queue:
                    self._current = self._queue.popleft()
                    return self._current
                if self._retired:
                    return None
            # else it was the word for a task that was taken back

    @staticmethod
    def _prepare(sandbox: Sandbox) -> None:
        """Make the next container ready while nobody waits for it."""
        # What is wrong is said by the run that finds it so: there is an execution to say it in.
        with suppress(Exception):
            sandbox.prepare()

    def _run(self, sandbox: Sandbox, given: _Given) -> PoolEvent:
        """One container from start to end; whatever goes wrong becomes an event, or the engine would wait for ever."""
        worker_id, (execution_id, attempt) = self._order.worker_id, given.attempt
        try:
            outcome = sandbox.run(given.task.spec, given.recorder, given.stop)
        except ContainerStartError as error:
            return StartFailed(worker_id, execution_id, attempt, str(error), error.by_output)
        except Exception as error:  # noqa: BLE001 - the boundary: the execution ends in ERROR and says why
            outcome = Outcome(
                ExecutionStatus.ERROR,
                StopReason.NOT_RUN,
                finished_at=utc_now(),
                error=f"The service failed to run the container: {type(error).__name__}: {error}",
            )
        finally:
            with self._lock:
                self._current = None
                goes_on = bool(self._queue)
            given.stop.close()
        log_text, results = given.recorder.finish()
        return ExecutionEnded(worker_id, execution_id, attempt, outcome, log_text, results, goes_on)
