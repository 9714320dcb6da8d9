"""The engine's life: a few loops in one task group. Each is three lines; the work is `run_once`."""

import asyncio
import signal
import time
from collections.abc import Callable
from threading import get_ident

import anyio
from anyio import CancelScope, to_thread
from anyio.abc import TaskGroup
from structlog.typing import FilteringBoundLogger

from abaco.engine.cron import Cron
from abaco.engine.dispatcher import Dispatcher
from abaco.engine.inbox import Inbox
from abaco.engine.outbox import Outbox
from abaco.engine.pruner import Pruner
from abaco.engine.reaper import Reaper
from abaco.ports import Clock, Listener, Pool
from abaco.services.work import Work
from abaco.wake import Wake

__all__ = ["Alarm", "Engine"]

_SWEEP_SECONDS = 2.0
"""How late a lost wake-up is noticed."""
_PRUNE_SECONDS = 60.0
_OUTBOX_SECONDS = 1.0
"""How late an event is noticed that nobody spoke of, and a webhook that is to be tried again."""


class Alarm:
    """Wakes the loop from any thread. Made inside the running event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = get_ident()
        self._wake = Wake()
        self._later: asyncio.TimerHandle | None = None

    def ring(self) -> None:
        if get_ident() == self._thread:
            self._wake.set()
        else:
            self._loop.call_soon_threadsafe(self._wake.set)

    def ring_within(self, seconds: float) -> None:
        """Ring after so long, or earlier if somebody else asked for that."""
        self._loop.call_soon_threadsafe(self._set_within, seconds)

    def _set_within(self, seconds: float) -> None:
        if self._later is not None:
            if self._later.when() <= self._loop.time() + seconds:
                return
            self._later.cancel()
        self._later = self._loop.call_later(seconds, self._wake.set)

    async def wait(self, timeout_seconds: float) -> None:
        """Until it rings (or rang since the last wait), at most `timeout_seconds`."""
        await self._wake.wait(timeout_seconds)
        if self._later is not None:
            self._later.cancel()
            self._later = None


class Engine:
    def __init__(
        self,
        alarm: Alarm,
        inbox: Inbox,
        listener: Listener,
        dispatcher: Dispatcher,
        reaper: Reaper,
        pruner: Pruner,
        cron: Cron,
        outbox: Outbox,
        outbox_alarm: Alarm,
        pool: Pool,
        work: Work,
        clock: Clock,
        log: FilteringBoundLogger,
        *,
        lease_seconds: float,
        drain_seconds: float,
    ) -> None:
        self._alarm = alarm
        self._inbox = inbox
        self._listener = listener
        self._dispatcher = dispatcher
        self._reaper = reaper
        self._pruner = pruner
        self._cron = cron
        self._outbox = outbox
        self._outbox_alarm = outbox_alarm
        self._pool = pool
        self._work = work
        self._clock = clock
        self._log = log
        self._lease_seconds = lease_seconds
        self._drain_seconds = drain_seconds
        self._stopping = False

    async def run(self) -> None:
        """Work until SIGTERM or SIGINT, then stop claiming, wait for what runs, kill the rest, release leases."""
        reclaimed = await to_thread.run_sync(self._reaper.begin)
        self._log.info("engine_started", reclaimed=reclaimed)
        try:
            async with anyio.create_task_group() as tasks:
                # Once for all: to wait for it anew after each word would cost more than the word.
                asyncio.get_running_loop().add_reader(self._listener.fileno(), self._listen)
                tasks.start_soon(self._repeat, self._reaper.run_once, self._lease_seconds / 3)
                tasks.start_soon(self._tidy, self._pruner.run_once)
                tasks.start_soon(self._tidy, self._outbox.drop_surplus)
                tasks.start_soon(self._keep_schedules)
                tasks.start_soon(self._send_events, tasks)
                tasks.start_soon(self._stop_on_signal)
                await self._take_turns()
                await self._drain()
                tasks.cancel_scope.cancel()
        finally:
            asyncio.get_running_loop().remove_reader(self._listener.fileno())
            with CancelScope(shield=True):
                await to_thread.run_sync(self._pool.close)
        # After a failure nothing is given back: the next engine of this data directory takes it over.
        await to_thread.run_sync(self._work.release)
        self._log.info("engine_stopped")

    async def _take_turns(self) -> None:
        next_sweep = time.monotonic()
        while not self._stopping:
            sweep = time.monotonic() >= next_sweep
            if sweep:
                next_sweep = time.monotonic() + _SWEEP_SECONDS
            self._turn(sweep=sweep)
            await self._alarm.wait(min(next_sweep - time.monotonic(), self._until_retry()))

    async def _drain(self) -> None:
        self._dispatcher.stop_claiming()
        self._turn(sweep=False)  # what was heard together with the signal has rung no more
        with anyio.move_on_after(self._drain_seconds):
            while self._dispatcher.is_busy():
                await self._alarm.wait(self._drain_seconds)
                self._turn(sweep=False)

    def _turn(self, *, sweep: bool) -> None:
        # In this thread: the loop exists for these turns, and to hand one to another costs as much as the turn itself.
        # So it is also never abandoned half-way, when it has claimed what it has not handed out yet.
        turn = self._dispatcher.run_once(sweep=sweep)
        if turn.eventful:
            self._outbox_alarm.ring()

    def _until_retry(self) -> float:
        due = self._dispatcher.next_retry()
        return _SWEEP_SECONDS if due is None else (due - self._clock.now()).total_seconds()

    def _listen(self) -> None:
        self._inbox.hear(self._listener.receive())

    async def _keep_schedules(self) -> None:
        while True:
            done = await to_thread.run_sync(self._cron.run_once)
            await anyio.sleep(done.rest_seconds)

    async def _send_events(self, tasks: TaskGroup) -> None:
        while True:
            # What was taken is posted, or put back by its task.
            with CancelScope(shield=True):
                for posting in await to_thread.run_sync(self._outbox.run_once):
                    tasks.start_soon(self._outbox.post, posting)
            await self._outbox_alarm.wait(_OUTBOX_SECONDS)

    async def _repeat(self, run_once: Callable[[], object], seconds: float) -> None:
        while True:
            await anyio.sleep(seconds)
            await to_thread.run_sync(run_once)

    async def _tidy(self, run_once: Callable[[], object]) -> None:
        """What can wait for the next time if it fails: no container is ended for it."""
        while True:
            await anyio.sleep(_PRUNE_SECONDS)
            try:
                await to_thread.run_sync(run_once)
            except Exception as error:  # noqa: BLE001 - whatever it is, the work goes on
                self._log.error("tidying_failed", exc_info=error)

    async def _stop_on_signal(self) -> None:
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async for _ in signals:
                self._stopping = True
                self._alarm.ring()
