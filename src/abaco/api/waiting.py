"""Requests that wait for an execution, without asking for it over and over: the engine says when to look."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import anyio
from litestar import Request

from abaco.domain.user import Principal
from abaco.errors import AbacoError, Unavailable
from abaco.ports import Listener

__all__ = ["Waiters"]

T = TypeVar("T")
_LOOK_AGAIN_SECONDS = 2.0
"""How late a lost word of the engine is noticed."""


class Waiters:
    """Who waits for which execution; used in the event loop only.

    A waiting request holds no thread, but memory and a connection: so there are at most `most` of them, and of one
    user a quarter of that.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._most_of_one = max(1, most // 4)
        self._bells: dict[str, anyio.Event] = {}
        self._users: dict[tuple[str, str], int] = {}

    async def listen(self, listener: Listener) -> None:
        """Pass on the engine's words, for ever."""
        while True:
            await anyio.wait_readable(listener)
            self.hear(listener.receive())

    def hear(self, topics: set[str]) -> None:
        """Wake those who wait for the executions named."""
        for topic in topics:
            bell = self._bells.get(topic.removeprefix("execution:"))
            if bell is not None:
                bell.set()

    @asynccontextmanager
    async def place(self, who: Principal) -> AsyncIterator[None]:
        """A place to wait in; raises Unavailable if there is none."""
        user = (who.tenant, who.username)
        if sum(self._users.values()) >= self._most or self._users.get(user, 0) >= self._most_of_one:
            raise Unavailable("Too many requests wait for their executions: send the message without waiting for it.")
        self._users[user] = self._users.get(user, 0) + 1
        try:
            yield
        finally:
            self._users[user] -= 1
            if not self._users[user]:
                del self._users[user]

    async def wait(
        self,
        request: Request[Any, Any, Any],
        execution_id: str,
        look: Callable[[], Awaitable[T | None]],
        seconds: float,
    ) -> T | None:
        """What `look` finds, at once or after a word about the execution; None after `seconds`, or if nobody is there
        any more to be answered.
        """
        found: T | None = None
        failure: AbacoError | None = None
        async with anyio.create_task_group() as tasks:

            async def leave_with_the_client() -> None:
                while (await request.receive())["type"] != "http.disconnect":
                    pass
                tasks.cancel_scope.cancel()

            tasks.start_soon(leave_with_the_client)
            try:
                with anyio.move_on_after(seconds):
                    found = await self._look_until_found(execution_id, look)
            except AbacoError as error:
                failure = error  # a task group would wrap it
            finally:
                self._bells.pop(execution_id, None)
            tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure
        return found

    async def _look_until_found(self, execution_id: str, look: Callable[[], Awaitable[T | None]]) -> T:
        while True:
            bell = self._bells[execution_id] = anyio.Event()  # before looking: what is said meanwhile is not lost
            found = await look()
            if found is not None:
                return found
            with anyio.move_on_after(_LOOK_AGAIN_SECONDS):
                await bell.wait()
