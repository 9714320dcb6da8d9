"""Messages that a worker holds ahead: how many, when they go back, and that nothing else changes by it."""

from datetime import timedelta
from typing import Any

from engine.fakes import SetClock
from engine.rig import Rig
from store.scene import NOW, an_actor, outcome

from abaco.domain.execution import Claim, Outcome
from abaco.engine.ahead import PATIENCE_SECONDS, Ahead
from abaco.engine.crew import Crew
from abaco.store.sql import SqlStore


def lasting(milliseconds: float) -> Outcome:
    return outcome(started_at=NOW, finished_at=NOW + timedelta(milliseconds=milliseconds))


def busy_rig(store: SqlStore, milliseconds: float = 10, **actor: Any) -> Rig:
    """One worker, whose first execution took so long, and 40 messages that wait."""
    rig = Rig(store, max_workers=1)
    rig.ready_actor(**actor)
    rig.post(1, prefix="first")
    rig.settle()
    rig.pool.end("first0000", result=lasting(milliseconds))
    rig.turn()
    rig.post(40)
    rig.turn()
    return rig


def held(rig: Rig) -> list[Claim]:
    (member,) = rig.crew
    return member.claims


def test_a_worker_of_short_executions_holds_several(store: SqlStore) -> None:
    assert [claim.execution_id for claim in held(busy_rig(store, 10))] == [f"e{number:04}" for number in range(16)]


def test_how_many_follows_from_how_long(store: SqlStore) -> None:
    ahead = Ahead(Crew(), SetClock())
    actor = an_actor()
    depths = []
    for seconds in (0.2, 0.1, 0.05, 0.001, 0.0):
        fresh = Ahead(Crew(), SetClock())
        fresh.took(actor.id, seconds)
        depths.append(fresh.depth(actor))
    assert depths == [1, 2, 4, 16, 16]
    assert ahead.depth(actor) == 1
    ahead.took(actor.id, 0.0)
    assert ahead.depth(an_actor(stateless=False)) == 1


def test_slow_ones_are_claimed_one_at_a_time(store: SqlStore) -> None:
    assert len(held(busy_rig(store, 300))) == 1


def test_a_stateful_actors_worker_holds_one(store: SqlStore) -> None:
    """P3"""
    assert len(held(busy_rig(store, 1, stateless=False))) == 1


def test_all_end_once_and_in_order(store: SqlStore) -> None:
    rig = busy_rig(store)
    for _ in range(100):
        if not rig.pool.running:
            break
        rig.pool.end(*rig.pool.running, result=lasting(10))
        rig.turn()
    assert rig.pool.ran == ["first0000", *(f"e{number:04}" for number in range(40))]
    assert {rig.status(id_) for id_ in rig.pool.ran} == {"COMPLETE"}
    assert [worker.status for worker in store.workers.of_actor("actor1")] == ["READY"]


def test_a_worker_with_more_to_do_stays_busy(store: SqlStore) -> None:
    rig = busy_rig(store)
    rig.pool.end("e0000", result=lasting(10))
    rig.turn()
    assert [worker.status for worker in store.workers.of_actor("actor1")] == ["BUSY"]


def test_what_waits_for_a_slow_container_goes_back_in_its_order(store: SqlStore) -> None:
    rig = busy_rig(store)
    clock = rig.clock
    assert isinstance(clock, SetClock)
    due = rig.dispatcher.next_retry()
    assert due == clock.now() + timedelta(seconds=PATIENCE_SECONDS)
    clock.advance(PATIENCE_SECONDS)
    rig.turn()
    rig.turn()
    assert [claim.execution_id for claim in held(rig)] == ["e0000"]
    assert rig.status("e0001") == "SUBMITTED"
    assert rig.dispatcher.next_retry() is None
    rig.pool.end("e0000", result=lasting(600))
    rig.turn()
    assert rig.pool.ran[-1] == "e0001"
    again = store.executions.find("actor1", "e0001")
    assert again is not None
    assert again.attempts == 1


def test_nothing_is_put_behind_a_container_that_has_run_for_long(store: SqlStore) -> None:
    rig = busy_rig(store)
    clock = rig.clock
    assert isinstance(clock, SetClock)
    while len(rig.pool.ran) < 41:
        rig.pool.end(*rig.pool.running, result=lasting(10))
        rig.turn()
    clock.advance(PATIENCE_SECONDS)
    rig.post(3, prefix="late")
    rig.turn()
    assert len(held(rig)) == 1


def test_who_is_to_leave_gives_back_at_once(store: SqlStore) -> None:
    rig = busy_rig(store)
    (member,) = rig.crew
    member.leaving = True
    rig.turn()
    rig.turn()
    assert len(member.claims) == 1


def test_what_is_held_is_halted_too(store: SqlStore) -> None:
    rig = busy_rig(store)
    store.executions.request_halt("actor1", "e0005")
    rig.turn("halt:e0005")
    assert rig.pool.halted == [("e0005", 1)]


def test_what_is_to_be_halted_and_goes_back_is_halted_when_it_is_claimed_again(store: SqlStore) -> None:
    rig = busy_rig(store)
    (member,) = rig.crew
    member.leaving = True
    rig.turn()
    store.executions.request_halt("actor1", "e0001")
    rig.turn()
    member.leaving = False
    rig.pool.end("e0000", result=lasting(10))
    rig.turn()
    assert rig.pool.halted == [("e0001", 2)]


def test_few_messages_are_shared_out_evenly(store: SqlStore) -> None:
    rig = Rig(store, max_workers=3)
    rig.ready_actor()
    rig.post(3, prefix="first")
    rig.settle()
    rig.pool.end(*rig.pool.running, result=lasting(10))
    rig.turn()
    rig.post(6)
    rig.turn()
    assert sorted(len(member.claims) for member in rig.crew) == [2, 2, 2]


def test_results_land_with_the_outcome_of_the_same_turn(store: SqlStore) -> None:
    rig = Rig(store)
    rig.ready_actor()
    rig.post(1)
    rig.settle()
    rig.pool.say("e0000", result=b"one")
    rig.pool.say("e0000", result=b"two")
    rig.pool.end("e0000")
    rig.turn()
    now = rig.clock.now()
    assert [store.results.pop("e0000", now) for _ in range(3)] == [b"one", b"two", None]
