"""The way of a message through the engine, turn by turn, on both databases."""

import pytest
from engine.fakes import DIGEST
from engine.rig import Rig
from store.scene import add_actor

from abaco.domain.event import ActorReady, ExecutionFinished, WorkerStarted
from abaco.domain.lifecycle import ActorStatus, ExecutionStatus, WorkerStatus
from abaco.store.sql import SqlStore

pytestmark = pytest.mark.parametrize("kind", ["sqlite", "postgres"], indirect=True)


def test_a_registered_actor_gets_a_worker_and_becomes_ready(rig: Rig) -> None:
    add_actor(rig.store)

    rig.turn("actor:actor1")
    [order] = rig.pool.starting.values()
    assert order.actor_id == "actor1"
    assert (order.image.name, order.image.digest) == ("abacosamples/test:latest", None)
    assert [worker.status for worker in rig.store.workers.of_actor("actor1")] == [WorkerStatus.REQUESTED]

    rig.pool.ready()
    rig.turn()
    assert rig.actor() == (ActorStatus.READY, " ")
    assert [worker.status for worker in rig.store.workers.of_actor("actor1")] == [WorkerStatus.READY]
    record = rig.store.images.find("abacosamples/test:latest")
    assert record is not None
    assert record.digest == DIGEST
    assert [type(event) for event in rig.events] == [WorkerStarted, ActorReady]


def test_an_actor_whose_image_cannot_be_prepared_is_in_error_and_says_why(rig: Rig) -> None:
    add_actor(rig.store)
    ids = rig.post(2)
    rig.turn("actor:actor1")

    rig.pool.fail("no such image")
    rig.turn()

    assert rig.actor() == (ActorStatus.ERROR, "no such image")
    assert rig.store.workers.of_actor("actor1") == []
    assert len(rig.crew) == 0
    # Its messages wait for an update, and nobody starts workers for them.
    rig.turn(sweep=True)
    assert rig.pool.starting == {}
    assert {rig.status(id_) for id_ in ids} == {ExecutionStatus.SUBMITTED}


def test_a_message_is_claimed_executed_and_recorded(rig: Rig) -> None:
    rig.ready_actor()
    [id_] = rig.post(1)

    rig.settle()
    assert rig.status(id_) is ExecutionStatus.RUNNING
    assert rig.pool.running[id_][1].spec.environment["MSG"] == "hello"

    rig.pool.say(id_, log="early ", result=b"r1")
    rig.turn()
    assert rig.store.logs.find(id_, rig.clock.now()) == "early "
    assert rig.store.results.pop(id_, rig.clock.now()) == b"r1"
    assert rig.told == [f"execution:{id_}", "results:actor1", f"log:{id_}"]

    rig.pool.end(id_, log="late")
    assert rig.turn().ended == 1
    assert rig.told[3:] == [f"execution:{id_}"]
    assert rig.status(id_) is ExecutionStatus.COMPLETE
    assert rig.store.logs.find(id_, rig.clock.now()) == "early late"
    assert rig.events[-1] == ExecutionFinished("actor1", id_, 1, "COMPLETE", "exited", 0)
    assert rig.store.mailbox.count("actor1") == 0


def test_results_that_come_with_the_outcome_follow_those_sent_before(rig: Rig) -> None:
    rig.ready_actor()
    [id_] = rig.post(1)
    rig.settle()
    rig.pool.say(id_, result=b"r1")
    rig.turn()

    rig.pool.end(id_, results=[b"r2", b"r3"])
    told = len(rig.told)
    rig.turn()
    assert rig.told[told:] == [f"execution:{id_}", "results:actor1"]
    assert rig.status(id_) is ExecutionStatus.COMPLETE
    assert [rig.store.results.pop(id_, rig.clock.now()) for _ in range(4)] == [b"r1", b"r2", b"r3", None]


def test_results_and_logs_said_in_the_last_moment_are_recorded_before_the_outcome(rig: Rig) -> None:
    """The store takes none of an attempt that is over."""
    rig.ready_actor()
    [id_] = rig.post(1)
    rig.settle()

    rig.pool.say(id_, log="early ", result=b"r1")
    rig.pool.end(id_, log="late")
    rig.turn()

    assert rig.store.logs.find(id_, rig.clock.now()) == "early late"
    assert rig.store.results.pop(id_, rig.clock.now()) == b"r1"


def test_a_stateful_actor_has_one_execution_at_a_time_in_order(rig: Rig) -> None:
    """P3"""
    rig.ready_actor(stateless=False)
    ids = rig.post(6)
    for number in range(1, 7):
        rig.settle()
        assert rig.pool.ran == ids[:number]
        assert len(rig.pool.running) == 1
        rig.pool.end(*rig.pool.running)
    rig.turn()
    assert {rig.status(id_) for id_ in ids} == {ExecutionStatus.COMPLETE}
    assert len(rig.crew) == 1


@pytest.mark.parametrize(
    ("actor_limit", "per_actor", "capacity", "expected"),
    [(None, 3, 10, 3), (2, 3, 10, 2), (8, 3, 10, 8), (8, 3, 5, 5)],
    ids=["setting", "own limit below", "own limit above", "capacity"],
)
def test_a_stateless_actor_runs_as_many_as_its_limits_allow(
    store: SqlStore, actor_limit: int | None, per_actor: int, capacity: int, expected: int
) -> None:
    rig = Rig(store, max_workers=capacity, max_workers_per_actor=per_actor)
    rig.ready_actor(max_workers=actor_limit)
    ids = rig.post(12)

    rig.settle()
    assert sorted(rig.pool.ran) == ids[:expected]  # in the order received

    rig.pool.end(ids[0])
    rig.turn()
    assert rig.pool.ran[-1] == ids[expected]  # who is free takes the next
    assert len(rig.pool.running) == expected

    rig.drain()
    assert {rig.status(id_) for id_ in ids} == {ExecutionStatus.COMPLETE}
    assert sorted(rig.pool.ran) == ids  # each once


def test_workers_are_started_for_messages_only_and_stay_for_the_next(rig: Rig) -> None:
    rig.ready_actor()
    rig.post(1)
    rig.drain()
    rig.post(1, prefix="f")
    rig.turn()
    assert len(rig.crew) == 1
    assert list(rig.pool.running) == ["f0000"]


def test_after_stop_claiming_only_endings_are_recorded(rig: Rig) -> None:
    rig.ready_actor(stateless=False)
    first, second = rig.post(2)
    rig.settle()

    rig.dispatcher.stop_claiming()
    assert rig.dispatcher.is_busy()
    rig.pool.end(first)
    rig.turn(sweep=True)

    assert not rig.dispatcher.is_busy()
    assert rig.pool.running == {}
    assert (rig.status(first), rig.status(second)) == (ExecutionStatus.COMPLETE, ExecutionStatus.SUBMITTED)
