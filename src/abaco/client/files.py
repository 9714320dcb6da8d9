"""Files of actors: what is too large for messages and results, under its digest."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import httpx

from abaco.client.answer import result_of
from abaco.client.connection import CONNECT_TIMEOUT, Connection, path
from abaco.client.polling import Clock
from abaco.errors import InternalError, Unavailable

__all__ = ["Files"]

T = TypeVar("T")
_PIECE_BYTES = 1 << 18
_PAUSES = (0.2, 1.0, 3.0, 5.0, 10.0)
"""Seconds before each repetition; a restarting server is back within their sum."""
_PATIENCE_SECONDS = 600.0
"""The server has the whole file on its disk before it answers."""


class Files:
    """The files of actors: ``/actors/v2/{actor}/files``. They are gone with the actor, and when nobody uses them."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def upload(self, actor_id: str, pieces: Sequence[memoryview]) -> str:
        """Have the server keep `pieces`, one after the other, unless it has them already; their digest.

        Raises TooLarge past a limit of the server, Unavailable if it stays away.
        """
        hashed = hashlib.sha256()
        for piece in pieces:
            hashed.update(piece)
        digest = f"sha256:{hashed.hexdigest()}"
        self._repeated(lambda: self._upload(actor_id, digest, pieces))
        return digest

    def download(self, actor_id: str, digest: str, into: Sequence[memoryview]) -> None:
        """Fill `into`, one after the other, with a file that is as long. Raises NotFound if it is not there."""
        self._repeated(lambda: self._download(actor_id, digest, into))

    def _upload(self, actor_id: str, digest: str, pieces: Sequence[memoryview]) -> None:
        asked = self._call("HEAD", actor_id, digest, pieces)
        if asked.status_code == httpx.codes.NOT_FOUND:
            result_of(self._call("PUT", actor_id, digest, pieces))
        elif asked.is_server_error:
            result_of(asked)
        elif asked.is_client_error:
            # Refused before it is sent: an answer in the middle of sending may be lost. This one says why.
            result_of(self._call("GET", actor_id, digest, pieces))

    def _call(self, method: str, actor_id: str, digest: str, pieces: Sequence[memoryview]) -> httpx.Response:
        size = str(sum(map(len, pieces)))
        described = {"Content-Type": "application/octet-stream", "Content-Length": size}
        return self._connection.call(
            method,
            path("actors", "v2", actor_id, "files", digest),
            params={} if method == "PUT" else {"size": size},
            headers=described if method == "PUT" else {},
            content=_small(pieces) if method == "PUT" else None,
            timeout=httpx.Timeout(_PATIENCE_SECONDS, connect=CONNECT_TIMEOUT),
        )

    def _download(self, actor_id: str, digest: str, into: Sequence[memoryview]) -> None:
        left = [view for view in into if len(view)]
        for piece in self._connection.pieces(path(actor_id, "files", digest)):
            data = memoryview(piece)
            while data:
                if not left:
                    raise InternalError(f"The file {digest} is longer than was said.")
                size = min(len(data), len(left[0]))
                left[0][:size] = data[:size]
                data, left[0] = data[size:], left[0][size:]
                if not len(left[0]):
                    left.pop(0)
        if left:
            raise InternalError(f"The file {digest} is shorter than was said.")

    def _repeated(self, attempt: Callable[[], T]) -> T:
        for pause in _PAUSES:
            try:
                return attempt()
            except Unavailable:
                self._clock.sleep(pause)
        return attempt()


def _small(pieces: Sequence[memoryview]) -> Iterator[bytes]:
    for piece in pieces:
        for start in range(0, len(piece), _PIECE_BYTES):
            yield bytes(piece[start : start + _PIECE_BYTES])
