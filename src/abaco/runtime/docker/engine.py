"""The Docker Engine as worker threads see it: its client is asynchronous, and lives in an event loop of its own."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import aiohttp
import anyio
from aiodocker import Docker, DockerError
from anyio.from_thread import start_blocking_portal

from abaco.runtime.unavailable import RuntimeUnavailable

__all__ = ["DockerEngine", "EngineError", "understood"]

_SECONDS: Final = 60.0
_PATIENCE_SECONDS: Final = 5.0
_AWAY: Final = "the Docker engine does not answer"
_NOT_FOUND: Final = 404
_CANNOT_CONNECT: Final = 900  # the client's own
_T = TypeVar("_T")


class EngineError(Exception):
    """What the engine refuses, in its words; `status` is that of HTTP, or 0 if the engine did not answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    @property
    def is_not_found(self) -> bool:
        return self.status == _NOT_FOUND


class DockerEngine:
    """To be entered before use, and left when no container of its users runs any more.

    Entering does not ask the engine anything: `require` does.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._portal = stack.enter_context(start_blocking_portal())
            self._client = stack.enter_context(self._portal.wrap_async_context_manager(_client(self.path)))
            self._leave = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._leave.close()

    @property
    def client(self) -> Docker:
        """For coroutines in the loop."""
        return self._client

    def call(self, ask: Callable[[Docker], Awaitable[_T]], seconds: float = _SECONDS) -> _T:
        """What the engine answers. Raises EngineError if it refuses, or has said nothing after `seconds`."""
        return self._portal.call(self._bounded, ask, seconds)

    def begin(self, ask: Callable[[Docker], Awaitable[_T]], seconds: float = _SECONDS) -> "Future[_T]":
        """As `call`, without waiting for the answer."""
        return self._portal.start_task_soon(self._bounded, ask, seconds)

    def start(self, live: Callable[..., Awaitable[None]]) -> "Future[None]":
        """Have `live` run in the loop; returns when it has said ``task_status.started()``. Raises what it raises."""
        return self._portal.start_task(live)[0]

    def require(self) -> Mapping[str, Any]:
        """What the engine says of itself. Raises RuntimeUnavailable if there is none."""
        try:
            return self.call(lambda client: client.system.info(), _PATIENCE_SECONDS)
        except EngineError as error:
            raise RuntimeUnavailable(
                f"No Docker engine answers at {self.path}: start one (systemctl start docker), "
                "say where it listens (DOCKER_HOST=unix:///path), or start Abaco with --runtime crun."
            ) from error

    async def _bounded(self, ask: Callable[[Docker], Awaitable[_T]], seconds: float) -> _T:
        with understood(), anyio.fail_after(seconds):
            return await ask(self._client)


@contextmanager
def understood() -> Iterator[None]:
    """Whatever goes wrong between the client and the engine is an EngineError."""
    try:
        yield
    except DockerError as error:
        if error.status == _CANNOT_CONNECT:
            raise EngineError(0, _AWAY) from error
        raise EngineError(error.status, error.message) from error
    except TimeoutError as error:
        raise EngineError(0, f"{_AWAY} in time") from error
    except (aiohttp.ClientError, OSError) as error:
        raise EngineError(0, f"{_AWAY} ({error})") from error


@asynccontextmanager
async def _client(path: Path) -> AsyncIterator[Docker]:
    # Without a limit: each running container needs two connections of its own for as long as it runs.
    connector = aiohttp.UnixConnector(str(path), limit=0)
    client = Docker(url="unix://localhost", connector=connector, timeout=aiohttp.ClientTimeout(total=None))
    try:
        yield client
    finally:
        await client.close()
        await connector.close()
