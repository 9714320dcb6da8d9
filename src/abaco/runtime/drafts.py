"""Files of strangers: written beside their place, and moved there when they are what they were said to be."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Final

from abaco.ports import DigestMismatch, Draft
from abaco.runtime.layout import digest_hex

__all__ = ["DRAFT_PREFIX", "FileDraft", "cost", "entries"]

DRAFT_PREFIX: Final = "draft-"
_COST_OF_A_FILE: Final = 65_536
"""What a file counts for at least, so that no user fills a directory with the smallest ones."""


class FileDraft(Draft):
    """Becomes the file `place`/HEX; while it is moved there `moving` is entered.

    With `size` it takes so many bytes from the beginning, as far as sizes are counted.
    """

    def __init__(
        self, place: Path, size: int | None = None, moving: AbstractContextManager[object] | None = None
    ) -> None:
        descriptor, name = tempfile.mkstemp(prefix=DRAFT_PREFIX, dir=place)
        self._file = os.fdopen(descriptor, "wb")
        self._path = Path(name)
        self._digest = hashlib.sha256()
        self._moving = moving or nullcontext()
        if size is not None:
            self._file.truncate(size)

    def write(self, data: bytes) -> None:
        self._digest.update(data)
        self._file.write(data)

    def keep(self, digest: str) -> int:
        self._file.flush()
        size = self._file.tell()
        if self._digest.hexdigest() != digest_hex(digest):
            self.abandon()
            raise DigestMismatch(f"the bytes that came are those of sha256:{self._digest.hexdigest()}")
        self._file.truncate(size)
        os.fsync(self._file.fileno())
        self._file.close()
        with self._moving:
            self._path.rename(self._path.parent / digest_hex(digest))
            # Else the name may be lost with the power although the bytes are not.
            _sync_directory(self._path.parent)
        return size

    def abandon(self) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)


def entries(place: Path) -> Iterator[os.DirEntry[str]]:
    """What is in a directory, which need not be there."""
    try:
        with os.scandir(place) as found:
            yield from found
    except FileNotFoundError:
        return


def cost(entry: os.DirEntry[str], charged: int = 0) -> int:
    """Bytes that a file counts for, `charged` at least."""
    try:
        return max(_COST_OF_A_FILE, charged, entry.stat(follow_symlinks=False).st_size)
    except FileNotFoundError:
        return 0  # a draft that has just become a file, or was abandoned


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
