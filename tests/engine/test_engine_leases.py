"""Engines that die, and engines that were thought dead; on both databases."""

from dataclasses import replace

import pytest
from engine.rig import LEASE_SECONDS, LIMITS, Rig

from abaco.domain.event import ExecutionFinished, ExecutionRequeued, LateOutcomeIgnored
from abaco.domain.lifecycle import ExecutionStatus
from abaco.engine.reaper import LeaseLost, Reaper
from abaco.store.sql import SqlStore

pytestmark = pytest.mark.parametrize("kind", ["sqlite", "postgres"], indirect=True)


def _at_work(store: SqlStore, **rig_options: str) -> tuple[Rig, str]:
    """An engine with a running execution."""
    rig = Rig(store, **rig_options)  # type: ignore[arg-type]
    rig.reaper.begin()
    rig.ready_actor()
    [id_] = rig.post(1)
    rig.settle()
    assert rig.status(id_) is ExecutionStatus.RUNNING
    return rig, id_


def test_an_engine_takes_over_from_the_former_one_of_its_directory(store: SqlStore) -> None:
    former, id_ = _at_work(store)
    rig = Rig(store, former.clock, engine_id="engine2")

    assert rig.reaper.begin() == 1

    assert rig.status(id_) is ExecutionStatus.SUBMITTED
    assert rig.events == [ExecutionRequeued(id_, "its engine died")]
    assert store.workers.of_actor("actor1") == []
    with pytest.raises(LeaseLost):
        former.reaper.run_once()


def test_the_lease_of_an_engine_elsewhere_is_respected_until_it_expires(store: SqlStore) -> None:
    other, id_ = _at_work(store)
    rig = Rig(store, other.clock, engine_id="engine2")
    reaper = Reaper("engine2", "elsewhere", store, rig.work, rig.clock, 10 * LEASE_SECONDS)
    assert reaper.begin() == 0

    rig.clock.advance(LEASE_SECONDS - 1)
    assert other.reaper.run_once() == 0
    rig.clock.advance(LEASE_SECONDS - 1)
    assert reaper.run_once() == 0
    assert rig.status(id_) is ExecutionStatus.RUNNING

    rig.clock.advance(1)
    assert reaper.run_once() == 1
    assert rig.status(id_) is ExecutionStatus.SUBMITTED
    with pytest.raises(LeaseLost, match="silent for too long"):
        other.reaper.run_once()


def test_late_word_of_a_lost_lease_is_announced_and_ignored(store: SqlStore) -> None:
    late, id_ = _at_work(store)
    rig = Rig(store, late.clock, engine_id="engine2")
    rig.reaper.begin()
    rig.turn(sweep=True)
    rig.pool.ready()
    rig.turn()
    assert list(rig.pool.running) == [id_]

    late.pool.say(id_, log="from the dead", result=b"from the dead")
    late.pool.end(id_, log="and gone")
    late.turn()

    assert late.events[-1] == LateOutcomeIgnored(id_, 1)
    assert rig.status(id_) is ExecutionStatus.RUNNING
    rig.pool.end(id_, log="from the living")
    rig.turn()
    assert rig.events[-1] == ExecutionFinished("actor1", id_, 2, "COMPLETE", "exited", 0)
    assert store.logs.find(id_, rig.clock.now()) == "from the living"
    assert store.results.pop(id_, rig.clock.now()) is None


def test_what_takes_the_engine_down_again_and_again_is_given_up(store: SqlStore) -> None:
    """P2"""
    limits = replace(LIMITS, max_attempts=3)
    rig = Rig(store, limits=limits)
    rig.ready_actor()
    [id_] = rig.post(1)
    for number in range(3):
        rig = Rig(store, engine_id=f"engine{number}", limits=limits)
        rig.reaper.begin()
        rig.turn(sweep=True)
        rig.pool.ready()
        rig.turn()
        assert list(rig.pool.running) == [id_]
    rig = Rig(store, engine_id="last", limits=limits)
    rig.reaper.begin()
    assert rig.status(id_) is ExecutionStatus.ERROR


def test_an_engine_that_stops_gives_back_what_it_holds_however_often(store: SqlStore) -> None:
    limits = replace(LIMITS, max_attempts=2)
    rig = Rig(store, limits=limits)
    rig.ready_actor()
    [id_] = rig.post(1)
    for number in range(4):
        rig = Rig(store, engine_id=f"engine{number}", limits=limits)
        rig.reaper.begin()
        rig.turn(sweep=True)
        rig.pool.ready()
        rig.turn()
        assert list(rig.pool.running) == [id_]
        rig.work.release()
        assert rig.events[-1] == ExecutionRequeued(id_, "its engine stopped")
        assert rig.status(id_) is ExecutionStatus.SUBMITTED
    assert store.workers.of_actor("actor1") == []
    assert not store.engines.any_alive(rig.clock.now())
