"""Locks among threads and processes, which end with whoever holds them."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from abaco.ports import Stop
from abaco.runtime.wanted import LOOK_SECONDS, require_wanted

__all__ = ["locked"]


@contextmanager
def locked(path: Path, flags: int, operation: int, stop: Stop | None = None) -> Iterator[None]:
    """With a lock on the file or directory `path`, opened with `flags`; as ``flock`` otherwise.

    Raises ImageError if `stop` is set while others have it.
    """
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        if stop is None:
            fcntl.flock(descriptor, operation)
        else:
            _wait(descriptor, operation, stop)
        yield
    finally:
        os.close(descriptor)


def _wait(descriptor: int, operation: int, stop: Stop) -> None:
    # Locks cannot be waited for along with descriptors.
    while True:
        try:
            fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
        except BlockingIOError:
            require_wanted(stop)
            time.sleep(LOOK_SECONDS)
        else:
            return
