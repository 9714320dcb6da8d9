"""Where images are kept and worked on; any number of threads and processes may share it.

blobs/sha256/<hex>   layers, configurations and manifests
locks/<hex>          held while the image with that digest is made ready
work/                what is being done; nothing in it outlives the doing
"""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from abaco.runtime.layout import digest_hex
from abaco.runtime.overlay import delete_tree

__all__ = ["ImageDirectory"]


class ImageDirectory:
    """Made if it is not there; what killed processes have left half done in it is deleted."""

    def __init__(self, directory: Path) -> None:
        self.root = directory
        self.blobs = directory / "blobs" / "sha256"
        self._locks = directory / "locks"
        self._work = directory / "work"
        for part in (self.blobs, self._locks, self._work):
            part.mkdir(parents=True, exist_ok=True)
        self._sweep()

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        """A directory that is deleted afterwards."""
        with _flock(self._work, os.O_DIRECTORY, fcntl.LOCK_SH):
            directory = Path(tempfile.mkdtemp(dir=self._work)).resolve()
            try:
                yield directory
            finally:
                delete_tree(directory)

    def locked(self, digest: str) -> AbstractContextManager[None]:
        """Alone with `digest`, among threads and processes. Raises ImageError if it is none."""
        return _flock(self._locks / digest_hex(digest), os.O_RDWR | os.O_CREAT, fcntl.LOCK_EX)

    def keep(self, blobs: Path) -> None:
        """Move the files in `blobs` to the others."""
        for blob in blobs.iterdir():
            blob.rename(self.blobs / blob.name)

    def _sweep(self) -> None:
        """Unless somebody is at work now."""
        with suppress(BlockingIOError), _flock(self._work, os.O_DIRECTORY, fcntl.LOCK_EX | fcntl.LOCK_NB):
            for leftover in self._work.iterdir():
                delete_tree(leftover)


@contextmanager
def _flock(path: Path, flags: int, operation: int) -> Iterator[None]:
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, operation)
        yield
    finally:
        os.close(descriptor)
