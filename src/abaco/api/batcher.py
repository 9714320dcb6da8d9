"""Group commit: requests that arrive while a transaction is being written share the next one."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

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
        self._thread = ThreadPoolExecutor(1, "batcher")  # which hears of its work sooner than one of anyio's
        self._gathered: list[tuple[Item, asyncio.Future[Result]]] = []
        self._running: asyncio.Task[None] | None = None

    async def submit(self, item: Item) -> Result:
        """The result of `item`; raises its error."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._gathered.append((item, future))
        if self._running is None:
            self._running = asyncio.create_task(self._drain())
        return await future

    async def _drain(self) -> None:
        try:
            while self._gathered:
                batch, self._gathered = self._gathered[:_MAX_BATCH], self._gathered[_MAX_BATCH:]
                await self._run(batch)
        finally:
            self._running = None

    async def _run(self, batch: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            items = [item for item, _ in batch]
            results = await asyncio.get_running_loop().run_in_executor(self._thread, self._work, items)
        except Exception as error:  # noqa: BLE001 - handed to the senders, who have the handler for it
            results = [error] * len(batch)  # type: ignore[list-item]
        for (_, future), result in zip(batch, results, strict=True):
            if future.done():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
