"""Running scripts in containers and looking at what came of it."""

import os
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from abaco.domain.execution import Outcome
from abaco.ports import ContainerSpec, Sandbox


class Recorder:
    """A sink that keeps everything; `heard` is told of every piece of output."""

    def __init__(self, heard: Callable[[bytes], object] = lambda _: None) -> None:
        self.log = b""
        self.results: list[bytes] = []
        self.heard = heard

    def output(self, data: bytes) -> None:
        self.log += data
        self.heard(self.log)

    def result(self, data: bytes) -> None:
        self.results.append(data)

    def flush(self, now: float) -> None:
        """Nothing waits."""

    @property
    def text(self) -> str:
        return self.log.decode()


class PipeStop:
    """A request to stop, as a pipe."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()

    def set(self) -> None:
        os.write(self._writer, b"x")

    def fileno(self) -> int:
        return self._reader

    def is_set(self) -> bool:
        raise AssertionError("the descriptor says it")

    def close(self) -> None:
        os.close(self._reader)
        os.close(self._writer)


class Lab:
    """One sandbox, and what its last container said."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.seen = Recorder()

    def __enter__(self) -> Self:
        self.stop = PipeStop()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.sandbox.close()
        self.stop.close()

    def run(self, script: str = "", environment: dict[str, str] | None = None, **limits: Any) -> Outcome:
        spec = ContainerSpec("execution1", {"MSG": script} | (environment or {}), **limits)
        return self.sandbox.run(spec, self.seen, self.stop)

    def run_and_stop_at(self, word: bytes, script: str, **limits: Any) -> Outcome:
        """Run `script` and request the stop once it has said `word`."""
        asked = threading.Event()

        def heard(log: bytes) -> None:
            if word in log and not asked.is_set():
                asked.set()
                self.stop.set()

        self.seen = Recorder(heard)
        return self.run(script, **limits)
