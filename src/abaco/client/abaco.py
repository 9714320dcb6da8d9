"""The client itself: one connection, one attribute a resource."""

import time
from types import TracebackType
from typing import Self

import httpx

from abaco.client.actors import Actors
from abaco.client.connection import Connection
from abaco.client.executions import Executions
from abaco.client.logs import Logs
from abaco.client.messages import Messages
from abaco.client.polling import Clock
from abaco.client.results import Results
from abaco.client.state import State

__all__ = ["Abaco"]


class Abaco:
    """An Abaco server as one user sees it. Close it, or use it in a ``with``; not for several threads at once.

    `api_server` is the server's base URL (``http://localhost:8000``), `token` the user's access token, `timeout`
    the seconds to wait for the server's next word. `transport` and `clock` stand in for network and time in tests.
    Raises InvalidInput for an address that is not a URL and InvalidCredentials for a token no header can carry.
    """

    def __init__(
        self,
        api_server: str,
        token: str,
        *,
        transport: httpx.BaseTransport | None = None,
        timeout: float = 30.0,
        clock: Clock = time,
    ) -> None:
        self._connection = Connection(api_server, token, transport=transport, timeout=timeout, clock=clock)
        self.actors = Actors(self._connection, clock)
        self.messages = Messages(self._connection)
        self.executions = Executions(self._connection, clock)
        self.logs = Logs(self._connection, clock)
        self.results = Results(self._connection)
        self.state = State(self._connection)

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
