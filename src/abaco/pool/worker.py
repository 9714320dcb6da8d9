"""A worker: prepare a sandbox once, then run one container a task until retired."""

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
    Runtime,
    Sandbox,
    StartFailed,
    Task,
    WorkerFailed,
    WorkerOrder,
    WorkerReady,
)

__all__ = ["Worker"]


class Worker:
    """Runs in a thread of its own (`main`); the other methods may be called from any thread."""

    def __init__(
        self, order: WorkerOrder, images: ImageProvider, runtime: Runtime, emit: Callable[[PoolEvent], None]
    ) -> None:
        self._order = order
        self._images = images
        self._runtime = runtime
        self._emit = emit
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._lock = Lock()
        self._current: tuple[Task, StopSignal, Recorder] | None = None
        self._retired = False

    def give(self, task: Task) -> None:
        """Hand the free worker its next task."""
        recorder = Recorder(task.spec.execution_id, task.attempt, task.max_log_characters, self._emit)
        with self._lock:
            self._current = (task, StopSignal(), recorder)
            if self._retired:
                self._current[1].set()
        self._tasks.put(task)

    def halt(self, execution_id: str, attempt: int) -> None:
        """Stop the container if it is that attempt's."""
        with self._lock:
            if self._current is not None:
                task, stop, _ = self._current
                if (task.spec.execution_id, task.attempt) == (execution_id, attempt):
                    stop.set()

    def retire(self, *, kill: bool) -> None:
        """Stop after the current task, or at once with `kill`."""
        with self._lock:
            if kill:
                self._retired = True
                if self._current is not None:
                    self._current[1].set()
        self._tasks.put(None)

    def flush(self) -> None:
        """Send on the output of a container that goes on running."""
        with self._lock:
            if self._current is not None:
                self._current[2].flush()

    def main(self) -> None:
        """The worker's life."""
        try:
            image = self._images.prepare(self._order.image)
            sandbox = self._runtime.sandbox(self._order.worker_id, image)
        except ImageError as error:
            self._emit(WorkerFailed(self._order.worker_id, str(error)))
            return
        except Exception as error:  # noqa: BLE001 - the boundary: the engine counts on hearing of this worker
            reason = f"The service failed to prepare a worker: {type(error).__name__}: {error}"
            self._emit(WorkerFailed(self._order.worker_id, reason))
            return
        try:
            self._emit(WorkerReady(self._order.worker_id, image.digest))
            self._prepare(sandbox)
            while (task := self._tasks.get()) is not None:
                self._emit(self._run(sandbox, task))
                self._prepare(sandbox)
        finally:
            sandbox.close()

    @staticmethod
    def _prepare(sandbox: Sandbox) -> None:
        """Make the next container ready while nobody waits for it."""
        # What is wrong is said by the run that finds it so: there is an execution to say it in.
        with suppress(Exception):
            sandbox.prepare()

    def _run(self, sandbox: Sandbox, task: Task) -> PoolEvent:
        """One container from start to end; whatever goes wrong becomes an event, or the engine would wait for ever."""
        assert self._current is not None  # noqa: S101 - set by `give` before the task was queued
        _, stop, recorder = self._current
        worker_id, execution_id = self._order.worker_id, task.spec.execution_id
        try:
            outcome = sandbox.run(task.spec, recorder, stop)
        except ContainerStartError as error:
            return StartFailed(worker_id, execution_id, task.attempt, str(error))
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
            stop.close()
        return ExecutionEnded(worker_id, execution_id, task.attempt, outcome, recorder.finish())
