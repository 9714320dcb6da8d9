"""One container of the engine: made, started, listened to, killed, and removed whatever happened.

What it says comes over a connection of the engine's, in pieces with headers. In the event loop they are put together
and written to a pipe, so that the worker's thread follows a container of Docker's as it follows one of crun's.
"""

import fcntl
import os
import select
import time
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import aiohttp
import anyio
from aiodocker import DockerError
from aiodocker.containers import DockerContainer
from aiodocker.stream import Stream
from anyio.abc import TaskStatus

from abaco.runtime.docker.engine import DockerEngine, EngineError, understood

__all__ = ["Container", "End"]

_START_SECONDS: Final = 120.0
_SIGNAL_SECONDS: Final = 10.0
_LAST_WORDS_SECONDS: Final = 30.0
_GIVE_UP_SECONDS: Final = 60.0
_CANCEL_SECONDS: Final = 5.0
_PIPE_BYTES: Final = 1 << 20
_LOST: Final = (DockerError, aiohttp.ClientError, OSError)


@dataclass(frozen=True, slots=True)
class End:
    """How a container ended, in the engine's words."""

    exit_code: int
    out_of_memory: bool
    started_at: datetime


class Container:
    """Made, not started yet; `close` kills and removes it. As a keeper, it is readable once it has ended.

    With `sampled` its use of CPU time is asked for once a second. Raises EngineError if the engine refuses to make it.
    """

    def __init__(self, engine: DockerEngine, body: Mapping[str, Any], *, sampled: bool) -> None:
        self.cpu_nanoseconds = 0
        self._engine = engine
        self._sampled = sampled
        self._listening: Future[None] | None = None
        self._signalling: Future[None] | None = None
        self._killed_at: float | None = None
        with ExitStack() as undo:
            self._id = engine.call(lambda client: client.containers.create(body)).id
            undo.callback(self._remove)
            self.output, self._writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
            undo.callback(os.close, self._writer)
            undo.callback(os.close, self.output)
            self._ended = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
            undo.callback(os.close, self._ended)
            undo.callback(self._stop_listening)
            self._undo = undo.pop_all()
        with suppress(OSError):  # not beyond the machine's limit
            fcntl.fcntl(self._writer, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

    def start(self) -> None:
        """Returns when its program runs. Raises EngineError if it cannot be started."""
        self._listening = self._engine.start(self._live)

    def fileno(self) -> int:
        return self._ended

    def terminate(self) -> None:
        self._signal("SIGTERM")

    def kill(self, *, hard: bool) -> None:
        """Have the engine kill it; with `hard`, for which see `Follower`, an engine that does not is given up."""
        now = time.monotonic()
        self._killed_at = self._killed_at or now
        if hard and now - self._killed_at > _GIVE_UP_SECONDS:
            self._stop_listening()
        else:
            self._signal("SIGKILL")

    def end(self) -> End:
        """After the end, what became of it. Raises EngineError if nobody knows."""
        state = self._engine.call(lambda client: client.containers.container(self._id).show())["State"]
        if state["Running"]:
            raise EngineError(0, "the Docker engine has lost sight of the container")
        return End(state["ExitCode"], bool(state["OOMKilled"]), datetime.fromisoformat(state["StartedAt"]))

    def close(self) -> None:
        self._undo.close()

    def _signal(self, name: str) -> None:
        # Not waited for: the engine answers when all that the container says has been read, which the caller does.
        # It may not run yet, or not any more, and whoever kills does so again.
        if self._signalling is None or self._signalling.done():
            self._signalling = self._engine.begin(
                lambda client: client.containers.container(self._id).kill(signal=name), seconds=_SIGNAL_SECONDS
            )

    def _remove(self) -> None:
        # What an engine that does not answer keeps is removed at the next start of the server.
        with suppress(EngineError):
            self._engine.call(lambda client: client.containers.container(self._id).delete(force=True, v=True))

    def _stop_listening(self) -> None:
        """The pipe must not be closed while the event loop may still write to it."""
        if self._listening is not None:
            self._listening.cancel()
            ended = select.poll()
            ended.register(self._ended, select.POLLIN)
            ended.poll(1000 * _CANCEL_SECONDS)

    async def _live(self, *, task_status: TaskStatus[None]) -> None:
        container = self._engine.client.containers.container(self._id)
        try:
            with understood():
                # Before the start, or the first words would be lost.
                async with container.attach(stdout=True, stderr=True) as stream:
                    with anyio.fail_after(_START_SECONDS):
                        await container.start()
                    task_status.started()
                    await self._listen(container, stream)
        finally:
            os.eventfd_write(self._ended, 1)

    async def _listen(self, container: DockerContainer, stream: Stream) -> None:
        """Until it has ended, and all it said is in the pipe."""
        all_read = anyio.Event()
        async with anyio.create_task_group() as group:
            group.start_soon(self._pump, stream, all_read)
            if self._sampled:
                group.start_soon(self._sample, container)
            with suppress(*_LOST):
                await container.wait()
            with anyio.move_on_after(_LAST_WORDS_SECONDS):
                await all_read.wait()
            group.cancel_scope.cancel()

    async def _pump(self, stream: Stream, all_read: anyio.Event) -> None:
        with suppress(*_LOST):
            while (message := await stream.read_out()) is not None:
                await self._write(memoryview(message.data))
        all_read.set()

    async def _write(self, data: memoryview) -> None:
        while data:
            try:
                data = data[os.write(self._writer, data) :]
            except BlockingIOError:
                await anyio.wait_writable(self._writer)

    async def _sample(self, container: DockerContainer) -> None:
        with suppress(*_LOST):
            async for sample in container.stats():
                used = sample["cpu_stats"]["cpu_usage"]["total_usage"]
                # The last one, after the end, has nothing in it.
                self.cpu_nanoseconds = max(self.cpu_nanoseconds, used)
