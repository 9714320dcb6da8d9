"""Layers by strangers: how much disk one takes unpacked, found out before it is unpacked.

Only the heads of the archive's entries are looked at, in constant memory. What could make of a small archive a large
file, or a large one of what this reader and the unpacking one understand differently, is refused.
"""

import gzip
import re
import zlib
from pathlib import Path
from typing import IO, Final

from abaco.ports import ImageError

__all__ = ["require_size", "unpacked_size"]

_BLOCK: Final = 512
_PIECE: Final = 1 << 20
_MAX_EXTENSION: Final = 1 << 20
_EXTENSIONS: Final = {b"x", b"g", b"L", b"K"}
_SPARSE: Final = b"S"
_EXTENDED_SIZE: Final = re.compile(rb"(?:^|\n)\+?[0-9]+ (?:size|GNU\.sparse\.[a-z.]+)=")
_WITH_DATA: Final = {b"0", b"\0", b"7", *_EXTENSIONS}
_COST_OF_A_FILE: Final = 4096
"""Of its place in the file system, whatever it holds."""


def unpacked_size(layer: Path, media_type: str, most: int) -> int:
    """Bytes that `layer` takes unpacked. Raises ImageError if that is more than `most`, and for what is no layer."""
    try:
        with layer.open("rb") as file:
            if media_type.endswith("+gzip"):
                with gzip.GzipFile(fileobj=file) as expanded:
                    return _measured(_Bounded(expanded, most), most)
            return _measured(_Bounded(file, most), most)
    except (EOFError, OSError, zlib.error, ValueError) as error:
        raise ImageError("one of its layers is broken") from error


class _Bounded:
    """Reads no more than `most` bytes: what is packed may be a thousand times as long unpacked."""

    def __init__(self, file: "IO[bytes] | gzip.GzipFile", most: int) -> None:
        self._file = file
        self._most = most
        self.read_so_far = 0

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self.read_so_far += len(data)
        require_size(self.read_so_far, self._most)
        return data

    def exactly(self, size: int) -> bytes:
        data = self.read(size)
        if len(data) != size:
            raise EOFError
        return data

    def skip(self, size: int) -> None:
        while size:
            size -= len(self.exactly(min(size, _PIECE)))


def _measured(tar: _Bounded, most: int) -> int:
    files = 0
    while (head := tar.read(_BLOCK)) and head.strip(b"\0"):
        if len(head) != _BLOCK:
            raise EOFError
        kind, size = head[156:157], _size(head[124:136])
        padded = -(-size // _BLOCK) * _BLOCK
        if kind == _SPARSE:
            raise ImageError("one of its layers holds a sparse file; copy such files as ordinary ones")
        if kind in _EXTENSIONS:
            _require_plain(tar, kind, size, padded)
        else:
            # Of links and directories some archives state a size, and readers differ in whether data follows.
            if size and kind not in _WITH_DATA:
                raise ImageError("one of its layers holds a link, directory or device with a size")
            tar.skip(padded)
            files += 1
        require_size(tar.read_so_far + files * _COST_OF_A_FILE, most)
    while tar.read(_PIECE):
        pass  # what follows the end is unpacked, too, if only to be dropped
    return tar.read_so_far + files * _COST_OF_A_FILE


def _require_plain(tar: _Bounded, kind: bytes, size: int, padded: int) -> None:
    """An entry that says more of the next one: its long name, but not another size."""
    if size > _MAX_EXTENSION:
        raise ImageError("one of its layers has names or attributes that are too long")
    said = tar.exactly(padded)[:size]
    if kind in {b"x", b"g"} and _EXTENDED_SIZE.search(said):
        raise ImageError("one of its layers holds a sparse file, or one of more than 8 GiB")


def _size(field: bytes) -> int:
    """Octal digits, or a binary number where the first bit is set. Raises ValueError."""
    if field[0] & 0x80:
        return int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
    return int(field.strip(b" \0") or b"0", 8)


def require_size(size: int, most: int | None) -> None:
    """Raises ImageError."""
    if most is not None and size > most:
        raise ImageError(f"it takes more than the {most} bytes that it may take here")
