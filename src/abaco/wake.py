"""Waiting for a word in the event loop, and not for ever."""

import asyncio

__all__ = ["Wake"]


class Wake:
    """Set by `set`, in the event loop, and cleared by who waits for it: one at a time.

    What `anyio.Event` in `move_on_after` does, in less time: a message is waited for several times on its way.
    """

    def __init__(self) -> None:
        self._is_set = False
        self._waiter: asyncio.Future[None] | None = None

    def set(self) -> None:
        self._is_set = True
        self._stop_waiting()

    def take(self) -> bool:
        """Whether it was set since the last time."""
        was_set, self._is_set = self._is_set, False
        return was_set

    async def wait(self, seconds: float) -> bool:
        """Whether it was set since the last time, or is within `seconds`. Others get a turn in any case."""
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = loop.call_later(0 if self._is_set else max(0.0, seconds), self._stop_waiting)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None
        return self.take()

    def _stop_waiting(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
