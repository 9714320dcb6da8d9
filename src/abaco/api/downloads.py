"""Answers too long to be held: sent in pieces as they are read."""

from typing import Any, BinaryIO

from anyio import CancelScope, to_thread
from litestar import Response
from litestar.response.base import ASGIResponse

__all__ = ["Download"]

_PIECE_BYTES = 1024**2
_TYPE = "application/octet-stream"


class Download(Response[None]):
    """The `size` bytes of `file`, which is closed afterwards."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        super().__init__(None, media_type=_TYPE)
        self._file = file
        self._size = size

    def to_asgi_response(self, *_: Any, **__: Any) -> ASGIResponse:
        return _Sender(self._file, self._size)


class _Sender(ASGIResponse):
    _should_set_content_length = False

    def __init__(self, file: BinaryIO, size: int) -> None:
        super().__init__(media_type=_TYPE, headers={"Content-Length": str(size)})
        self._file = file

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            with CancelScope(shield=True):
                await to_thread.run_sync(self._file.close)

    async def send_body(self, send: Any, receive: Any) -> None:  # noqa: ARG002 - the base class names it
        while piece := await to_thread.run_sync(self._file.read, _PIECE_BYTES):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
