"""Sending on the output of containers that go on running: the first of it soon, the rest in batches."""

import time
from collections.abc import Callable, Iterable
from threading import Event, Thread
from typing import Protocol

__all__ = ["FIRST_SECONDS", "LATER_SECONDS", "Flusher"]

FIRST_SECONDS = 0.1
"""How long the first output of a container waits; shorter executions write their log only once, at the end."""
LATER_SECONDS = 0.5
"""How long later output waits for more: a write for each line would be too dear."""


class _Speaker(Protocol):
    def flush(self, now: float) -> float | None:
        """Send on what is due at `now`; when the rest will be, or None if there is none."""


class Flusher:
    """A thread that sleeps while nobody says anything. `speakers` are those who may have something to send on."""

    def __init__(self, speakers: Callable[[], Iterable[_Speaker]]) -> None:
        self._speakers = speakers
        self._stirred = Event()
        self._closing = Event()
        self._thread = Thread(target=self._main, name="log-flusher")
        self._thread.start()

    def stir(self) -> None:
        """Somebody has something to send on later; cheap, as it is said with each first piece of output."""
        if not self._stirred.is_set():
            self._stirred.set()

    def close(self) -> None:
        """Send nothing on any more, and end."""
        self._closing.set()
        self._stirred.set()
        self._thread.join()

    def _main(self) -> None:
        while self._stirred.wait() and not self._closing.is_set():
            self._stirred.clear()
            self._flush_until_silence()

    def _flush_until_silence(self) -> None:
        while (due := self._flush()) is not None:
            # Never longer: others may begin to speak meanwhile.
            if self._closing.wait(min(max(0.0, due - time.monotonic()), FIRST_SECONDS)):
                return

    def _flush(self) -> float | None:
        now = time.monotonic()
        return min((due for one in self._speakers() if (due := one.flush(now)) is not None), default=None)
