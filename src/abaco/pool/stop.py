"""A stop request that a selector can wait for."""

import os

__all__ = ["StopSignal"]


class StopSignal:
    """Set once, from any thread; its descriptor becomes readable then. Close it when there is nothing left to stop."""

    def __init__(self) -> None:
        self._descriptor = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._set = False

    def set(self) -> None:
        if not self._set:
            self._set = True
            os.eventfd_write(self._descriptor, 1)

    def is_set(self) -> bool:
        return self._set

    def fileno(self) -> int:
        return self._descriptor

    def close(self) -> None:
        os.close(self._descriptor)
