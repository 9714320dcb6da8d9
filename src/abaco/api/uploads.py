"""Bodies too long to be held: stored in pieces as they arrive, or forgotten."""

from typing import Any, Protocol

from anyio import CancelScope, to_thread
from litestar import Request

from abaco.api.params import body_pieces

__all__ = ["DigestedUpload", "Upload", "abandon", "receive", "stored"]

_PIECE_BYTES = 1024**2


class Upload(Protocol):
    """Where a body goes; its methods block."""

    def write(self, data: bytes) -> None: ...

    def abandon(self) -> None: ...


class DigestedUpload(Upload, Protocol):
    """A body whose digest was said before."""

    def finish(self) -> int: ...


async def stored(request: Request[Any, Any, Any], upload: DigestedUpload) -> int:
    """Store the body as it arrives, or nothing; how many bytes it has. Raises what `upload` does."""
    try:
        await receive(request, upload)
        return await to_thread.run_sync(upload.finish)
    except BaseException:
        await abandon(upload)
        raise


async def receive(request: Request[Any, Any, Any], upload: Upload) -> None:
    """Store the body in pieces as it arrives."""
    piece = bytearray()
    async for data in body_pieces(request):
        piece += data
        if len(piece) >= _PIECE_BYTES:
            await to_thread.run_sync(upload.write, bytes(piece))
            piece.clear()
    await to_thread.run_sync(upload.write, bytes(piece))


async def abandon(upload: Upload) -> None:
    """Forget it, also if its request is being cancelled."""
    with CancelScope(shield=True):
        await to_thread.run_sync(upload.abandon)
