"""Answers that grow; server-sent events, as the HTML standard has them: how they are written and sent."""

from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import Any

import msgspec
from anyio import create_task_group
from litestar import Response
from litestar.response.base import ASGIResponse

__all__ = ["EVENT_STREAM", "OPENING", "STILL_THERE", "EventStream", "Say", "event"]

EVENT_STREAM = "text/event-stream"
OPENING = "retry: 1000\n\n"
"""How many milliseconds browsers wait before they connect again."""
STILL_THERE = ": still there\n\n"
"""A comment: a sign of life."""
_HEADERS = {
    "Cache-Control": "no-cache",
    # Asks nginx, which would gather events, to pass each on.
    "X-Accel-Buffering": "no",
}
Say = Callable[[str], Awaitable[None]]
"""Sends one event, or a comment, to the client; nothing if the text is empty."""


def event(name: str, data: Any, identifier: str) -> str:
    """`data` is written as JSON: that is one line, whatever it holds."""
    return f"id: {identifier}\nevent: {name}\ndata: {msgspec.json.encode(data).decode()}\n\n"


class EventStream(Response[None]):
    """`write` says what there is to say and returns at the end; it is cancelled when the client has gone away.

    `place` was taken for it, and is given back however it ends.
    """

    def __init__(
        self, write: Callable[[Say], Awaitable[None]], place: ExitStack, media_type: str = EVENT_STREAM
    ) -> None:
        super().__init__(None, media_type=media_type, headers=_HEADERS)
        self._write = write
        self._place = place
        self._type = media_type

    def to_asgi_response(self, *_: Any, **__: Any) -> ASGIResponse:
        return _Sender(self._write, self._place, self._type)


class _Sender(ASGIResponse):
    _should_set_content_length = False

    def __init__(self, write: Callable[[Say], Awaitable[None]], place: ExitStack, media_type: str) -> None:
        super().__init__(media_type=media_type, headers=_HEADERS)
        self._write = write
        self._place = place

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._place.close()

    async def send_body(self, send: Any, receive: Any) -> None:
        async def say(text: str) -> None:
            if text:  # to some servers an empty body is the end
                await send({"type": "http.response.body", "body": text.encode(), "more_body": True})

        async def leave_with_the_client() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            tasks.cancel_scope.cancel()

        async with create_task_group() as tasks:
            tasks.start_soon(leave_with_the_client)
            await self._write(say)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            tasks.cancel_scope.cancel()
