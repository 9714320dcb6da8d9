"""Containers that do as a test says, step by step."""

import time
from collections.abc import Callable, Collection
from pathlib import Path
from queue import SimpleQueue
from threading import Event
from typing import Any

from store.scene import outcome

from abaco.domain.execution import Outcome
from abaco.domain.manifest import Manifest
from abaco.ports import (
    ContainerSink,
    ContainerSpec,
    ImageError,
    ImageRef,
    PoolEvent,
    PreparedImage,
    Stop,
    Task,
    WorkerOrder,
)

__all__ = ["PATIENCE", "Container", "Heard", "ScriptedImages", "ScriptedRuntime", "ScriptedSandbox", "order", "task"]

PATIENCE = 30.0
Container = Callable[[ContainerSpec, ContainerSink, Stop], Outcome]


def order(worker_id: str = "w1") -> WorkerOrder:
    return WorkerOrder(worker_id, "actor1", ImageRef("image", None))


def task(execution_id: str = "e1", attempt: int = 1) -> Task:
    return Task(attempt, ContainerSpec(execution_id, {}), max_log_characters=100)


class Heard:
    """What the pool says; `next` waits for it."""

    def __init__(self) -> None:
        self._events: SimpleQueue[PoolEvent] = SimpleQueue()

    def __call__(self, event: PoolEvent) -> None:
        self._events.put(event)

    def next(self) -> PoolEvent:
        return self._events.get(timeout=PATIENCE)

    def is_empty(self) -> bool:
        return self._events.empty()


class ScriptedImages:
    """`error` is raised; `gate` holds preparations up, `asked` tells of one."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error
        self.asked, self.gate = Event(), Event()
        self.gate.set()

    def import_archive(self, archive: Path) -> str:
        raise NotImplementedError

    def prepare(self, ref: ImageRef, stop: Stop | None = None) -> PreparedImage:
        self.asked.set()
        deadline = time.monotonic() + PATIENCE
        while not self.gate.wait(0.01):
            assert time.monotonic() < deadline
            if stop is not None and stop.is_set():
                raise ImageError("stopped")
        if self._error is not None:
            raise self._error
        return PreparedImage(ref.name, "sha256:1", Path("/"), {})

    def assemble(self, text: str, manifest: Manifest, owner: str, most: int) -> tuple[str, int]:
        raise NotImplementedError

    def prune(self, keep: Collection[str]) -> int:
        raise NotImplementedError


class ScriptedSandbox:
    def __init__(self, container: Container) -> None:
        self._container = container
        self.is_closed = False

    def run(self, spec: ContainerSpec, sink: ContainerSink, stop: Stop) -> Outcome:
        return self._container(spec, sink, stop)

    def close(self) -> None:
        self.is_closed = True


class ScriptedRuntime:
    """`script` is what every container does."""

    def __init__(self, script: Container | None = None, error: Exception | None = None) -> None:
        self._script: Container = script or (lambda *_: outcome())
        self._error = error
        self.sandboxes: list[ScriptedSandbox] = []

    def sandbox(self, worker_id: str, image: PreparedImage) -> Any:
        if self._error is not None:
            raise self._error
        self.sandboxes.append(ScriptedSandbox(self._script))
        return self.sandboxes[-1]

    def clean(self, tell: Callable[[str], object] = str) -> int:
        return 0
