"""Waking another role on the same machine: datagrams to a UNIX socket in the data directory."""

import os
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path

__all__ = ["API", "ENGINE", "LocalListener", "LocalNotifier"]

ENGINE, API = "engine.sock", "api.sock"
"""Who listens."""

_MOST_TOPICS = 100
_MOST_PATH_BYTES = 108
_MAX_BYTES = 32_768
"""What a datagram holds."""
_PATIENCE = struct.pack("@ll", 0, 50_000)
"""A ``timeval``, of microseconds: a listener that works is back long before."""


def _address(path: Path) -> Callable[[], AbstractContextManager[str]]:
    """Gives the socket's path in under 108 bytes (the kernel's limit), however deep its directory lies, for a block."""
    if len(os.fsencode(path)) < _MOST_PATH_BYTES:
        short = nullcontext(str(path))
        return lambda: short
    return partial(_by_directory, path)


@contextmanager
def _by_directory(path: Path) -> Iterator[str]:
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{path.name}"
    finally:
        os.close(descriptor)


class LocalNotifier:
    """Sends; while nobody listens, or lags behind for long, words are lost, which the port allows."""

    def __init__(self, directory: Path, name: str) -> None:
        self._address = _address(directory / name)  # reckoned once: each message is told of twice
        self._lags = False
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _PATIENCE)

    def notify(self, *topics: str) -> None:
        # Many at once: the kernel keeps ten datagrams for a listener that is busy.
        for begin in range(0, len(topics), _MOST_TOPICS):
            self._send("\n".join(topics[begin : begin + _MOST_TOPICS]))

    def _send(self, words: str) -> None:
        """Waited for is a listener that has kept up so far."""
        try:
            with self._address() as address:
                self._socket.sendto(words.encode(), socket.MSG_DONTWAIT if self._lags else 0, address)
            self._lags = False
        except BlockingIOError:
            self._lags = True
        except OSError:
            return

    def close(self) -> None:
        self._socket.close()


class LocalListener:
    """Receives; only one at a time, each role holding a lock of its own in the data directory."""

    def __init__(self, directory: Path, name: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        (directory / name).unlink(missing_ok=True)
        with _address(directory / name)() as address:
            self._socket.bind(address)

    def fileno(self) -> int:
        return self._socket.fileno()

    def receive(self) -> set[str]:
        """Every topic that has arrived."""
        topics: set[str] = set()
        with suppress(BlockingIOError):
            while True:
                topics.update(self._socket.recv(_MAX_BYTES).decode(errors="replace").splitlines())
        return topics

    def close(self) -> None:
        self._socket.close()
