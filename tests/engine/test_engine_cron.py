"""Schedules coming due (contract 3.5): fired once, on the old grid, whatever was missed or crashed."""

from datetime import timedelta
from typing import Any

import pytest
from engine.fakes import SetClock
from engine.rig import Rig
from store.scene import NOW, later

from abaco.domain.actor import Actor
from abaco.domain.event import ActorScheduled, ScheduleStopped
from abaco.domain.execution import Execution
from abaco.domain.lifecycle import ExecutionStatus
from abaco.engine.cron import Cron
from abaco.services.schedules import Schedules
from abaco.store.sql import SqlStore

pytestmark = pytest.mark.parametrize("kind", ["sqlite", "postgres"], indirect=True)
HOUR = NOW.replace(minute=0, second=0, microsecond=0)


class Clockwork:
    """An engine and what fires its schedules."""

    def __init__(self, store: SqlStore) -> None:
        self.rig = Rig(store)
        self._ids = iter(f"fired{number}" for number in range(1000))
        self.cron = self.restarted()

    def restarted(self) -> Cron:
        rig = self.rig
        return Cron(Schedules(rig.store, rig.clock, lambda: next(self._ids), rig.inbox, rig.events.append))

    @property
    def clock(self) -> SetClock:
        return self.rig.clock

    def actor(self, text: str = "now + 1 hour", **changes: Any) -> Actor:
        schedule: dict[str, Any] = {"cron_schedule": text, "cron_on": True, "cron_start_at": HOUR, "cron_next_at": HOUR}
        return self.rig.ready_actor(**schedule | changes)

    def fired(self) -> list[Execution]:
        return self.rig.store.executions.of_actor("actor1")

    def slot(self) -> Any:
        waiting = self.rig.look()
        assert waiting is not None
        return waiting.actor.cron_next_at


@pytest.fixture
def works(store: SqlStore) -> Clockwork:
    return Clockwork(store)


def test_a_firing_is_a_message_from_cron(works: Clockwork) -> None:
    works.actor()

    done = works.cron.run_once()

    assert done.due == 1
    works.rig.settle()
    [(_, task)] = works.rig.pool.running.values()
    environment = task.spec.environment
    assert environment["MSG"] == "This is your cron execution"
    assert environment["_abaco_Content_Type"] == "str"
    assert environment["_abaco_username"] == "cron"
    assert environment["_abaco_api_server"] == "https://abaco.test"
    works.rig.drain()
    [execution] = works.fired()
    assert (execution.executor, execution.status) == ("cron", ExecutionStatus.COMPLETE)
    assert works.slot() == HOUR + timedelta(hours=1)


def test_nothing_fires_before_its_time(works: Clockwork) -> None:
    works.actor(cron_next_at=later(seconds=2))
    done = works.cron.run_once()
    assert (done.due, done.rest_seconds, works.fired()) == (0, 2.0, [])
    works.clock.advance(2)
    assert works.cron.run_once().due == 1


def test_the_rest_is_bounded(works: Clockwork) -> None:
    assert works.cron.run_once().rest_seconds == 5.0
    works.actor(cron_next_at=later(days=9))
    assert works.cron.run_once().rest_seconds == 5.0
    works.clock.advance(9 * 86_400 - 1e-3)
    assert works.cron.run_once().rest_seconds == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now + 1 hour", timedelta(hours=73)),
        ("now + 5 hours", timedelta(hours=75)),
        ("now + 1 week", timedelta(days=7)),
    ],
)
def test_missed_slots_fire_once_after_a_restart(works: Clockwork, text: str, expected: timedelta) -> None:
    works.actor(text)
    works.clock.advance(72 * 3600)
    reborn = works.restarted()
    assert [reborn.run_once().due for _ in range(3)] == [1, 0, 0]
    assert len(works.fired()) == 1
    assert works.slot() == HOUR + expected


def test_a_slot_that_is_switched_off_passes(works: Clockwork) -> None:
    works.actor(cron_on=False)
    works.cron.run_once()
    assert works.fired() == []
    assert works.slot() == HOUR + timedelta(hours=1)
    assert works.rig.events[-1:] == [ActorScheduled("DEV", "actor1", None, "2026-04-29T22:00:00.000Z")]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_crash_neither_loses_nor_doubles_a_firing(
    works: Clockwork, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    works.actor()
    advance = works.rig.store.schedules.advance

    def crash(*given: Any) -> bool:
        if moment == "after":
            advance(*given)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(works.rig.store.schedules, "advance", crash)
        with pytest.raises(KeyboardInterrupt):
            works.cron.run_once()
    works.restarted().run_once()
    assert len(works.fired()) == 1


def test_two_engines_fire_once(works: Clockwork, monkeypatch: pytest.MonkeyPatch) -> None:
    works.actor()
    rival = works.restarted()
    due = works.rig.store.schedules.due(NOW, 10)
    monkeypatch.setattr(works.rig.store.schedules, "due", lambda *_: due)
    assert [works.cron.run_once().due, rival.run_once().due] == [1, 1]
    assert len(works.fired()) == 1


def test_messages_wait_while_the_actor_is_in_trouble(works: Clockwork) -> None:
    works.actor()
    works.rig.store.actors.mark_error("actor1", 1, "trouble", NOW)
    works.cron.run_once()
    assert [execution.status for execution in works.fired()] == [ExecutionStatus.SUBMITTED]


@pytest.mark.parametrize(
    ("text", "start", "fires"),
    [("9999-12-31 23 + 1 hour", later(days=2_900_000), 1), ("CRON_TZ=Mars/Base 0 9 * * *", HOUR, 1)],
)
def test_a_schedule_without_further_slots_stops(works: Clockwork, text: str, start: Any, fires: int) -> None:
    works.actor(text, cron_start_at=start)
    if text.startswith("9999"):
        works.clock.time = start.replace(year=9999, month=12, day=31, hour=23, minute=30)
    assert [works.cron.run_once().due for _ in range(2)] == [1, 0]
    assert len(works.fired()) == fires
    assert works.slot() is None
    assert isinstance(works.rig.events[-1], ScheduleStopped)


def test_a_broken_schedule_stops_nobody_elses(works: Clockwork) -> None:
    works.actor("gibberish", cron_next_at=later(hours=-2))
    works.rig.ready_actor("actor2", cron_schedule="now + 1 day", cron_on=True, cron_start_at=HOUR, cron_next_at=HOUR)
    assert works.cron.run_once().due == 2
    assert len(works.rig.store.executions.of_actor("actor2")) == 1
