"""The results of a map: in order, when they are asked for, with a bar if they take long."""

import sys
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import wait
from contextlib import ExitStack
from typing import Any

from abaco.client.executor.tasks import AbacoFuture, Outcome

__all__ = ["Mapped"]

_BAR_SECONDS = 1.0
"""Shorter maps need no bar."""


class Mapped:
    """`futures`, which are of chunks, are made at once, or (`ahead`) no more than so many before they are needed.

    `deadline` is a moment of ``time.monotonic()``.
    """

    def __init__(self, futures: Iterator[AbacoFuture], deadline: float | None, ahead: int | None) -> None:
        self._deadline = deadline
        self._futures = futures
        self._under_way: deque[AbacoFuture] = deque()
        for future in futures:
            self._under_way.append(future)
            if len(self._under_way) == ahead:
                break

    def results(self, total: int | None, progress: bool | None) -> Iterator[Any]:
        """What the calls returned; `total` is how many there are, if that is known."""
        bar = _Bar(total, progress)
        try:
            with bar:
                while self._under_way:
                    outcomes = self._next(bar)
                    while outcomes:
                        bar.advance()
                        yield outcomes.popleft().get()  # in no variable: what was handed out is not held here
        finally:
            for future in self._under_way:
                future.cancel()

    def _next(self, bar: "_Bar") -> deque[Outcome]:
        first = self._under_way[0]
        if (pause := bar.pause()) is not None:
            # Who waits sees that there is something to wait for, even before the first result.
            left = self._left()
            if wait([first], pause if left is None else min(pause, left)).not_done:
                bar.show()
        outcomes: deque[Outcome] = deque(first.result(self._left()))
        self._under_way.popleft()
        self._under_way.extend([future] if (future := next(self._futures, None)) is not None else [])
        return outcomes

    def _left(self) -> float | None:
        return None if self._deadline is None else self._deadline - time.monotonic()


class _Bar:
    """Shows how many results there are, once that takes longer than a moment."""

    def __init__(self, total: int | None, progress: bool | None) -> None:
        self._total = total
        self._shown = _is_watched() if progress is None else progress
        self._at = time.monotonic() + _BAR_SECONDS
        self._done = 0
        self._stack = ExitStack()
        self._update: Any = None

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def pause(self) -> float | None:
        """Seconds until it will be shown; None if it is, or is not to be."""
        if not self._shown or self._update is not None:
            return None
        return max(0.0, self._at - time.monotonic())

    def advance(self) -> None:
        """There is one more result."""
        self._done += 1
        if self.pause() == 0.0:
            self.show()
        if self._update is not None:
            self._update(self._done)

    def show(self) -> None:
        self._update = self._open()

    def _open(self) -> Any:
        # Forty milliseconds that short maps need not pay.
        from rich.console import Console  # noqa: PLC0415
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn  # noqa: PLC0415

        columns = BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        bar = self._stack.enter_context(Progress(*columns, console=Console(stderr=True), transient=True))
        task = bar.add_task("", total=self._total)
        return lambda done: bar.update(task, completed=done)


def _is_watched() -> bool:
    """Whether somebody sees what is drawn: on a terminal, or in a notebook (whose kernel is loaded then)."""
    return sys.stderr.isatty() or "ipykernel" in sys.modules
