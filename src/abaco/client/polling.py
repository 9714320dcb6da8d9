"""Waiting for a status by asking again and again, ever less often."""

import math
from collections.abc import Callable, Collection, Iterator
from typing import Protocol, TypeVar

__all__ = ["Clock", "pauses", "pauses_until", "wait_for"]

_FIRST_PAUSE = 0.002
_LONGEST_PAUSE = 0.5
_GROWTH = 1.5
"""Moderate, so that what is found late is found at most half as late again as it happened."""


class Clock(Protocol):
    """Time as the client uses it, in seconds; the module `time` is one."""

    def sleep(self, seconds: float, /) -> None: ...

    def monotonic(self) -> float: ...


class _HasStatus(Protocol):
    @property
    def status(self) -> str: ...


T = TypeVar("T", bound=_HasStatus)


def pauses() -> Iterator[float]:
    """Endless seconds between two questions: from 2 ms, growing to half a second."""
    pause = _FIRST_PAUSE
    while True:
        yield pause
        pause = min(pause * _GROWTH, _LONGEST_PAUSE)


def pauses_until(timeout: float | None, clock: Clock) -> Iterator[bool]:
    """At once, then after ever longer pauses; True if it is the last time, because `timeout` seconds are over."""
    deadline = math.inf if timeout is None else clock.monotonic() + timeout
    for pause in pauses():
        left = deadline - clock.monotonic()
        yield left <= 0
        if left <= 0:
            return
        clock.sleep(min(pause, left))


def wait_for(
    fetch: Callable[[], T],
    final: Collection[str],
    clock: Clock,
    timeout: float | None = None,
    on_change: Callable[[T], None] | None = None,
) -> T:
    """What `fetch` returns once its status is one of `final`; `on_change` hears of every status seen.

    `timeout` is in seconds; None waits for ever. Raises TimeoutError when it is over.
    """
    status: str | None = None
    for is_last in pauses_until(timeout, clock):
        found = fetch()
        if on_change is not None and found.status != status:
            on_change(found)
        status = found.status
        if status in final:
            return found
        if is_last:
            break
    raise TimeoutError(f"still {status} after {timeout:g} seconds")
