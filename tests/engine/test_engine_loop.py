"""The loop around the dispatcher: what fails beside the work, and an end that comes with the signal to stop."""

import os
import signal
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
import structlog
from engine.rig import Rig

from abaco.engine.loop import Alarm, Engine
from abaco.store.sql import SqlStore


class Loop:
    """An engine with a rig's dispatcher, and nothing to do for its other parts; `prune` is what its pruner does."""

    def __init__(self, store: SqlStore, prune: Callable[[], object] = lambda: None) -> None:
        self.rig = Rig(store)
        self.rig.ready_actor()
        [self.id] = self.rig.post(1)
        self.log = structlog.testing.CapturingLogger()
        self._prune = prune

    def run(self, play: Callable[[Alarm], Any]) -> None:
        """Run the engine until it stops, and `play` beside it."""

        async def main() -> None:
            alarm, reader = Alarm(), os.eventfd(0)
            self.rig.inbox._wake, self.rig.inbox._wake_within = alarm.ring, alarm.ring_within
            with anyio.fail_after(30):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(play, alarm)
                    await self._engine(alarm, reader).run()
            os.close(reader)

        anyio.run(main, backend_options={"use_uvloop": True})

    def _engine(self, alarm: Alarm, reader: int) -> Engine:
        rig: Any = self.rig
        rig.pool.close = lambda: None
        cron: Any = SimpleNamespace(run_once=lambda: SimpleNamespace(rest_seconds=60.0))
        listener: Any = SimpleNamespace(fileno=lambda: reader, receive=set)
        outbox: Any = SimpleNamespace(run_once=list, drop_surplus=lambda: None)
        pruner: Any = SimpleNamespace(run_once=self._prune)
        log: Any = self.log
        return Engine(
            alarm,
            rig.inbox,
            listener,
            rig.dispatcher,
            rig.reaper,
            pruner,
            cron,
            outbox,
            Alarm(),
            rig.pool,
            rig.work,
            rig.clock,
            log,
            lease_seconds=15,
            drain_seconds=20,
        )

    async def until(self, happened: Callable[[], bool]) -> None:
        """Let the engine turn until something has happened."""
        while not happened():
            self.rig.pool.ready()
            await anyio.sleep(0.001)

    async def until_running(self) -> None:
        await self.until(lambda: self.id in self.rig.pool.running)


def test_what_fails_beside_the_work_ends_no_container(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("abaco.engine.loop._PRUNE_SECONDS", 0.001)
    failed: list[int] = []

    def prune() -> None:
        failed.append(1)
        raise FileNotFoundError("draft-1")

    loop = Loop(store, prune)

    async def play(_: Alarm) -> None:
        await loop.until_running()
        await loop.until(lambda: len(failed) >= 3)
        loop.rig.pool.end(loop.id)
        os.kill(os.getpid(), signal.SIGTERM)

    loop.run(play)
    assert loop.rig.status(loop.id) == "COMPLETE"
    assert {call.method_name for call in loop.log.calls} == {"info", "error"}


def test_an_end_that_comes_with_the_signal_is_heard(store: SqlStore) -> None:
    loop = Loop(store)

    async def play(alarm: Alarm) -> None:
        await loop.until_running()
        ring = alarm.ring

        def ring_and_end() -> None:
            """As if a worker put its word in before the loop has woken up for the signal's."""
            ring()
            if loop.id in loop.rig.pool.running:
                loop.rig.inbox._wake = lambda: None
                loop.rig.pool.end(loop.id)

        alarm.ring = ring_and_end  # type: ignore[method-assign]
        os.kill(os.getpid(), signal.SIGTERM)

    loop.run(play)
    assert loop.rig.status(loop.id) == "COMPLETE"
