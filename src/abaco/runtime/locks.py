"""Locks among threads and processes, which end with whoever holds them."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["locked"]


@contextmanager
def locked(path: Path, flags: int, operation: int) -> Iterator[None]:
    """With a lock on the file or directory `path`, opened with `flags`; as ``flock`` otherwise."""
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, operation)
        yield
    finally:
        os.close(descriptor)
