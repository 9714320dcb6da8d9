"""Requests that wait for an execution, without asking for it over and over: the engine says when to look."""

import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anyio
from litestar import Request

from abaco.api.bells import Bell
from abaco.api.places import Places
from abaco.errors import AbacoError

__all__ = ["Waiters"]

T = TypeVar("T")
_SOON_SECONDS = 0.25
_LOOK_AGAIN_SECONDS = 2.0
"""How late a lost word of the engine is noticed."""


class Waiters:
    """Who waits for which execution, in at most `most` places."""

    def __init__(self, most: int) -> None:
        self.places = Places(
            most, "Too many requests wait for their executions: send the message without waiting for it."
        )

    async def wait(
        self,
        request: Request[Any, Any, Any],
        bell: Bell,
        look: Callable[[], Awaitable[T | None]],
        seconds: float,
    ) -> T | None:
        """What `look` finds once the bell has rung, which hung before there was anything to find; None after `seconds`,
        if nobody is there any more to be answered, or if the server stops.
        """
        deadline = time.monotonic() + seconds
        # Most answers are there soon: until then nobody has to watch whether there is somebody to be answered. (Nor to
        # be shielded, as below: there is nothing yet that could break off a look.)
        if await bell.wait(min(seconds, _SOON_SECONDS)) and (soon := await look()) is not None:
            return soon
        found: T | None = None
        failure: AbacoError | None = None
        async with anyio.create_task_group() as tasks:

            async def leave_with_the_client() -> None:
                while (await request.receive())["type"] != "http.disconnect":
                    pass
                tasks.cancel_scope.cancel()

            tasks.start_soon(leave_with_the_client)
            try:
                with anyio.move_on_after(deadline - time.monotonic()):
                    found = await _look_until_found(bell, look)
            except AbacoError as error:
                failure = error  # a task group would wrap it
            tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure
        return found


async def _look_until_found(bell: Bell, look: Callable[[], Awaitable[T | None]]) -> T | None:
    while not bell.is_closing:
        await bell.wait(_LOOK_AGAIN_SECONDS)
        # What a look has taken must be given to somebody, also if the time is up meanwhile.
        with anyio.CancelScope(shield=True):
            found = await look()
        if found is not None:
            return found
    return None
