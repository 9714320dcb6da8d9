"""Values on their way: pickled, with large buffers beside the pickle so that nothing copies them."""

import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cloudpickle

__all__ = ["Packed", "Reference", "Spill", "packed", "unpacked"]

_SPILLED_BYTES = 1 << 20
"""What is larger goes into a file."""
_BESIDE_BYTES = 1 << 17
"""Buffers from that size on stay where they are; the pickle has smaller ones in it."""
_PROTOCOL = 5
"""The first that leaves buffers where they are."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A value in a file of the actor: the pickle, then the buffers that belong to it, as long as `lengths` says."""

    digest: str
    lengths: tuple[int, ...]


Packed = bytes | Reference
"""A pickled value."""
Spill = Callable[[Sequence[memoryview]], str]
"""Puts pieces into a file, one after the other; its digest."""


def packed(value: Any, spill: Spill) -> Packed:
    """Pickle `value`, into a file if it is large. Raises what pickling does, and what `spill` does."""
    pickled = _Pieces()
    buffers: list[memoryview] = []
    cloudpickle.Pickler(pickled, _PROTOCOL, buffer_callback=lambda buffer: _is_small(buffer, buffers)).dump(value)
    lengths = (pickled.size, *map(len, buffers))
    if sum(lengths) > _SPILLED_BYTES:
        return Reference(spill([*pickled.pieces, *buffers]), lengths)
    return cloudpickle.dumps(value) if buffers else b"".join(pickled.pieces)


def unpacked(frames: Sequence[bytes | bytearray]) -> Any:
    """The value of a pickle and its buffers, which become part of it. Raises what unpickling does."""
    return pickle.loads(frames[0], buffers=frames[1:])  # noqa: S301 - the code that answers is the caller's own


class _Pieces:
    """A file for a pickler, which hands over large bytes as they are: they are not copied either."""

    def __init__(self) -> None:
        self.pieces: list[memoryview] = []

    @property
    def size(self) -> int:
        return sum(map(len, self.pieces))

    def write(self, data: bytes | bytearray | pickle.PickleBuffer) -> None:
        self.pieces.append(data.raw() if isinstance(data, pickle.PickleBuffer) else memoryview(data))


def _is_small(buffer: pickle.PickleBuffer, large: list[memoryview]) -> bool:
    """Whether it goes into the pickle; else it is added to `large`."""
    try:
        view = buffer.raw()
    except BufferError:  # it is in pieces itself, of which the pickler says what is to be said
        return True
    if len(view) < _BESIDE_BYTES:
        return True
    large.append(view)
    return False
