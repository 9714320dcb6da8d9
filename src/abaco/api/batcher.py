"""Group commit: requests that arrive while a transaction is being written share the next one."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, TypeVar

from abaco.api.threads import Threads
from abaco.errors import AbacoError

__all__ = ["Batcher"]

Item = TypeVar("Item")
Result = TypeVar("Result")
_MAX_BATCH = 256


class Batcher(Generic[Item, Result]):
    """Calls `work` with what has gathered since its last call began: one call at a time, in a thread.

    `work` returns for each item, in order, its result or the error that its sender is to see. A request that is
    cancelled while it waits does not take the others with it.
    """

    def __init__(self, work: Callable[[Sequence[Item]], Sequence[Result | AbacoError]]) -> None:
        self._work = work
        self._thread = Threads(1, "batcher")
        self._gathered: list[tuple[Item, asyncio.Future[Result]]] = []
        self._is_running = False

    def submit(self, item: Item) -> "asyncio.Future[Result]":
        """The result of `item`; raises its error."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._gathered.append((item, future))
        if not self._is_running:
            self._begin()
        return future

    def _begin(self) -> None:
        batch, self._gathered = self._gathered[:_MAX_BATCH], self._gathered[_MAX_BATCH:]
        self._is_running = bool(batch)
        if batch:
            done = self._thread.call(self._results, [item for item, _ in batch])
            done.add_done_callback(partial(self._end, [future for _, future in batch]))

    def _results(self, items: list[Item]) -> Sequence[Result | AbacoError]:
        results = self._work(items)
        if len(results) != len(items):
            raise RuntimeError(f"{len(items)} items have {len(results)} results")
        return results

    def _end(
        self, futures: "Sequence[asyncio.Future[Result]]", done: "asyncio.Future[Sequence[Result | AbacoError]]"
    ) -> None:
        error = done.exception()  # handed to the senders, who have the handler for it
        results = done.result() if error is None else [error] * len(futures)
        for future, result in zip(futures, results, strict=True):
            if future.done():
                continue
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)
        self._begin()
