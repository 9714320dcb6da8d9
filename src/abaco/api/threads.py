"""Threads for short work: futures of two kinds take longer to bring its result back than it takes itself."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

__all__ = ["Threads"]

Result = TypeVar("Result")


class Threads:
    """Run calls for the event loop as its ``run_in_executor`` does, in a third of the time.

    They begin with the first call, and end with the process, whatever they do then.
    """

    def __init__(self, count: int, name: str) -> None:
        self._calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._unborn = [Thread(target=self._work, name=name, daemon=True) for _ in range(count)]

    def _work(self) -> None:
        while True:
            self._calls.get()()

    def call(self, work: Callable[..., Result], *args: Any) -> "asyncio.Future[Result]":
        """What `work` returns, or raises. It goes on if nobody waits for it any more."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()

        def call() -> None:
            settle: Callable[[Any], None] = future.set_result
            try:
                outcome: Any = work(*args)
            except BaseException as error:  # noqa: BLE001 - raised where it is waited for; the thread goes on
                settle, outcome = future.set_exception, _bearable(error)
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(_unless_given_up, future, settle, outcome)

        while self._unborn:
            self._unborn.pop().start()
        self._calls.put(call)
        return future


def _bearable(error: BaseException) -> BaseException:
    """`error`, or what says the same: no future takes a StopIteration."""
    return RuntimeError(f"StopIteration: {error}") if isinstance(error, StopIteration) else error


def _unless_given_up(future: "asyncio.Future[Any]", settle: Callable[[Any], None], outcome: Any) -> None:
    if not future.done():
        settle(outcome)
