"""The pool of this machine: a thread a worker."""

from collections.abc import Callable
from threading import Event, Lock, Thread

from abaco.pool.worker import Worker
from abaco.ports import ImageProvider, PoolEvent, Runtime, Task, WorkerOrder

__all__ = ["LocalPool"]


class LocalPool:
    def __init__(self, images: ImageProvider, runtime: Runtime, emit: Callable[[PoolEvent], None]) -> None:
        self._images = images
        self._runtime = runtime
        self._emit = emit
        self._lock = Lock()
        self._workers: dict[str, tuple[Worker, Thread]] = {}
        self._closing = Event()

    def start(self, order: WorkerOrder) -> None:
        worker = Worker(order, self._images, self._runtime, self._deliver)
        thread = Thread(target=self._live, args=(order.worker_id, worker), name=f"worker-{order.worker_id}")
        with self._lock:
            self._workers[order.worker_id] = (worker, thread)
        thread.start()

    def run(self, worker_id: str, task: Task) -> None:
        with self._lock:
            self._workers[worker_id][0].give(task)

    def recall(self, worker_id: str) -> None:
        with self._lock:
            entry = self._workers.get(worker_id)
        if entry is not None:
            entry[0].recall()

    def halt(self, execution_id: str, attempt: int) -> None:
        for worker in self._all():
            worker.halt(execution_id, attempt)

    def stop(self, worker_id: str) -> None:
        with self._lock:
            entry = self._workers.get(worker_id)
        if entry is not None:
            entry[0].retire(kill=False)

    def close(self) -> None:
        self._closing.set()
        with self._lock:
            entries = list(self._workers.values())
        for worker, _ in entries:
            worker.retire(kill=True)
        for _, thread in entries:
            thread.join()

    def _all(self) -> list[Worker]:
        with self._lock:
            return [worker for worker, _ in self._workers.values()]

    def _live(self, worker_id: str, worker: Worker) -> None:
        try:
            worker.main()
        finally:
            with self._lock:
                self._workers.pop(worker_id, None)

    def _deliver(self, event: PoolEvent) -> None:
        # After close nobody takes events: what was killed is not an outcome.
        if not self._closing.is_set():
            self._emit(event)
