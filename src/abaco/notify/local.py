"""Waking another role on the same machine: datagrams to a UNIX socket in the data directory."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["API", "ENGINE", "LocalListener", "LocalNotifier"]

ENGINE, API = "engine.sock", "api.sock"
"""Who listens."""

_MAX_TOPIC = 256


@contextmanager
def _short_path(directory: Path, name: str) -> Iterator[str]:
    """The socket's path in under 108 bytes (the kernel's limit), however deep the directory lies."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{name}"
    finally:
        os.close(descriptor)


class LocalNotifier:
    """Sends; while nobody listens, or lags behind, words are lost, which the port allows."""

    def __init__(self, directory: Path, name: str) -> None:
        self._directory = directory
        self._name = name
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def notify(self, topic: str) -> None:
        # A full buffer means that the other side has been woken often enough.
        with suppress(OSError), _short_path(self._directory, self._name) as path:
            self._socket.sendto(topic.encode(), path)

    def close(self) -> None:
        self._socket.close()


class LocalListener:
    """Receives; only one at a time, each role holding a lock of its own in the data directory."""

    def __init__(self, directory: Path, name: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        (directory / name).unlink(missing_ok=True)
        with _short_path(directory, name) as path:
            self._socket.bind(path)

    def fileno(self) -> int:
        return self._socket.fileno()

    def receive(self) -> set[str]:
        """Every topic that has arrived."""
        topics: set[str] = set()
        with suppress(BlockingIOError):
            while True:
                topics.add(self._socket.recv(_MAX_TOPIC).decode(errors="replace"))
        return topics

    def close(self) -> None:
        self._socket.close()
