"""How many messages an executor keeps at the server."""

import time
from collections.abc import Callable

__all__ = ["Pace"]

_SPAN_SECONDS = 0.25
_MOST = 1_000
"""What is sent cannot be cancelled, and a server's other users wait, too."""


class Pace:
    """`room` is what twice the last quarter of a second has seen answered, and at least `least`.

    So the server never waits for the next of many short calls, and of long ones few are sent that nobody may want any
    more. Used under a lock of its owner's.
    """

    def __init__(self, least: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._least = least
        self._clock = clock
        self._since = clock()
        self._answers = 0
        self.room = least

    def answered(self) -> None:
        """A message was answered."""
        self._answers += 1
        seconds = self._clock() - self._since
        if seconds >= _SPAN_SECONDS:
            room = int(2 * self._answers * _SPAN_SECONDS / seconds)
            self.room = max(self._least, min(room, _MOST))
            self._since, self._answers = self._clock(), 0
