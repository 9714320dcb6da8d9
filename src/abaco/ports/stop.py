"""Asking for something to be stopped."""

from typing import Protocol

__all__ = ["Stop"]


class Stop(Protocol):
    """A request to stop one container, or what a worker prepares, that can be waited for with other descriptors."""

    def fileno(self) -> int:
        """Readable once the stop is requested."""

    def is_set(self) -> bool: ...
