"""Waking another role on the same machine: datagrams to a UNIX socket in the data directory."""

import os
import socket
import struct
from contextlib import closing, suppress
from pathlib import Path

__all__ = ["API", "ENGINE", "LocalListener", "LocalNotifier"]

ENGINE, API = "engine.sock", "api.sock"
"""Who listens."""

_MOST_TOPICS = 100
_MAX_BYTES = 32_768
"""What a datagram holds."""
_PATIENCE = struct.pack("@ll", 0, 50_000)
"""A ``timeval``, of microseconds: a listener that works is back long before."""


class _Directory:
    """Open, so that the paths in it have under 108 bytes (the kernel's limit), however deep it lies."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def short_path(self, name: str) -> str:
        return f"/proc/self/fd/{self._descriptor}/{name}"

    def close(self) -> None:
        os.close(self._descriptor)


class LocalNotifier:
    """Sends; while nobody listens, or lags behind for long, words are lost, which the port allows.

    The directory has to be there, and to stay.
    """

    def __init__(self, directory: Path, name: str) -> None:
        self._directory = _Directory(directory)
        self._path = self._directory.short_path(name)
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
            self._socket.sendto(words.encode(), socket.MSG_DONTWAIT if self._lags else 0, self._path)
            self._lags = False
        except BlockingIOError:
            self._lags = True
        except OSError:
            return

    def close(self) -> None:
        self._socket.close()
        self._directory.close()


class LocalListener:
    """Receives; only one at a time, each role holding a lock of its own in the data directory."""

    def __init__(self, directory: Path, name: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        (directory / name).unlink(missing_ok=True)
        with closing(_Directory(directory)) as opened:
            self._socket.bind(opened.short_path(name))

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
