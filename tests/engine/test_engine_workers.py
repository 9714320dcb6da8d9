"""Workers that users ask for, and ask to stop."""

from dataclasses import replace

import pytest
from engine.rig import Rig
from store.scene import outcome

from abaco.domain.event import WorkerStopped
from abaco.domain.lifecycle import ActorStatus, ExecutionStatus, WorkerStatus
from abaco.store.sql import SqlStore

pytestmark = pytest.mark.parametrize("kind", ["sqlite", "postgres"], indirect=True)


def ask(rig: Rig, number: int, actor_id: str = "actor1") -> None:
    """As the API does it."""
    rig.store.workers.request(actor_id, number)
    rig.inbox.hear({f"actor:{actor_id}"})


def ask_to_stop(rig: Rig, worker_id: str, actor_id: str = "actor1") -> None:
    rig.store.workers.request_stop(actor_id, worker_id)
    rig.inbox.hear({f"worker:{worker_id}"})


def statuses(rig: Rig, actor_id: str = "actor1") -> list[WorkerStatus]:
    return [worker.status for worker in rig.store.workers.of_actor(actor_id)]


def stops(rig: Rig) -> list[str]:
    return [event.reason for event in rig.events if isinstance(event, WorkerStopped)]


def test_requested_workers_start_at_once_and_stay_while_they_may_be_idle(rig: Rig) -> None:
    rig.ready_actor()
    ask(rig, 3)
    rig.settle()
    assert statuses(rig) == [WorkerStatus.READY] * 3

    rig.clock.advance(59)
    rig.turn(sweep=True)
    assert len(rig.crew) == 3
    rig.clock.advance(1)
    rig.turn(sweep=True)
    rig.turn(sweep=True)

    assert statuses(rig) == []
    assert stops(rig) == ["idle"] * 3
    assert not rig.pool.starting


def test_a_request_whose_word_was_lost_is_noticed_with_the_next_sweep(rig: Rig) -> None:
    rig.ready_actor()
    rig.store.workers.request("actor1", 2)
    rig.turn()
    assert len(rig.crew) == 0
    rig.turn(sweep=True)
    assert len(rig.crew) == 2


def test_a_request_survives_the_engine(rig: Rig) -> None:
    rig.ready_actor()
    ask(rig, 2)
    rig.settle()
    rig.reaper.begin()
    rig.work.release()
    successor = Rig(rig.store, rig.clock, "engine2")
    successor.reaper.begin()
    successor.turn(sweep=True)
    assert len(successor.crew) == 2


def test_busy_workers_count_as_well(rig: Rig) -> None:
    rig.ready_actor()
    ids = rig.post(1)
    rig.settle()
    ask(rig, 2)
    rig.settle()
    assert sorted(statuses(rig)) == [WorkerStatus.BUSY, WorkerStatus.READY]
    rig.pool.end(*ids)
    rig.turn(sweep=True)
    assert len(rig.crew) == 2


def test_an_actor_that_is_being_prepared_may_be_asked_too(rig: Rig) -> None:
    rig.ready_actor()
    rig.store.actors.change(
        "DEV", "actor1", "ada", lambda actor: replace(actor, revision=2, status=ActorStatus.SUBMITTED)
    )
    ask(rig, 2)
    rig.turn()
    assert len(rig.crew) == 2


def test_two_workers_of_a_stateful_actor_work_one_after_the_other(rig: Rig) -> None:
    rig.ready_actor(stateless=False)
    ask(rig, 2)
    rig.settle()
    assert statuses(rig) == [WorkerStatus.READY] * 2
    ids = rig.post(4)
    for id_ in ids:
        rig.turn(sweep=True)
        assert list(rig.pool.running) == [id_]
        assert len(rig.crew) == 2
        rig.pool.end(id_)
    rig.turn()
    assert rig.pool.ran == ids
    assert statuses(rig) == [WorkerStatus.READY] * 2


def test_messages_of_others_come_before_requests(store: SqlStore) -> None:
    rig = Rig(store, max_workers=2)
    rig.ready_actor("asker")
    ask(rig, 3, "asker")
    rig.settle()
    assert len(rig.crew.of("asker")) == 2
    rig.ready_actor("other")
    [id_] = rig.post(1, "other", "o")
    rig.settle()
    assert rig.running_of("other") == [id_]
    assert stops(rig) == ["room for others"]
    rig.pool.end(id_)
    rig.turn()

    for _ in range(3):
        rig.turn(sweep=True)
        rig.settle()

    # Who gave way does not take the place back: workers are not swapped for ever.
    assert [len(rig.crew.of(actor_id)) for actor_id in ("asker", "other")] == [1, 1]
    assert stops(rig) == ["room for others"]


def test_a_request_takes_places_that_nobody_needs(store: SqlStore) -> None:
    rig = Rig(store, max_workers=3)
    rig.ready_actor("rested")
    rig.post(3, "rested", "r")
    rig.drain()
    rig.ready_actor("asker")
    ask(rig, 2, "asker")
    rig.settle()
    rig.turn(sweep=True)
    assert [len(rig.crew.of(actor_id)) for actor_id in ("rested", "asker")] == [1, 2]


def test_a_request_for_more_than_there_are_places_starts_nobody_over_again(store: SqlStore) -> None:
    rig = Rig(store, max_workers=2)
    rig.ready_actor()
    ask(rig, 3)
    for _ in range(3):
        rig.settle()
        rig.turn(sweep=True)
    assert len(rig.crew) == 2
    assert stops(rig) == []


def test_a_free_worker_that_is_asked_stops_at_once_and_no_other_starts(rig: Rig) -> None:
    rig.ready_actor()
    ask(rig, 2)
    rig.settle()
    worker_id = rig.store.workers.of_actor("actor1")[0].id
    ask_to_stop(rig, worker_id)
    rig.turn()
    rig.turn(sweep=True)
    assert rig.pool.stopped == [worker_id]
    assert statuses(rig) == [WorkerStatus.READY]
    assert stops(rig) == ["asked to stop"]
    assert not rig.pool.starting


def test_a_busy_worker_that_is_asked_finishes_first(rig: Rig) -> None:
    rig.ready_actor()
    [id_] = rig.post(1)
    rig.settle()
    [worker] = rig.store.workers.of_actor("actor1")
    ask_to_stop(rig, worker.id)
    rig.turn(sweep=True)
    assert rig.pool.stopped == []
    assert statuses(rig) == [WorkerStatus.SHUTDOWN_REQUESTED]

    rig.pool.end(id_)
    rig.turn()

    assert rig.status(id_) is ExecutionStatus.COMPLETE
    assert rig.pool.stopped == [worker.id]
    assert statuses(rig) == []
    assert stops(rig) == ["asked to stop"]


def test_a_worker_that_is_asked_before_it_is_ready_goes_at_once(rig: Rig) -> None:
    rig.ready_actor()
    [id_] = rig.post(1)
    rig.turn()
    [worker] = rig.store.workers.of_actor("actor1")
    ask_to_stop(rig, worker.id)
    rig.turn()
    assert rig.pool.stopped == [worker.id]
    # The message still waits: another worker starts for it.
    rig.settle()
    assert list(rig.pool.running) == [id_]


def test_a_stop_whose_word_was_lost_is_noticed_with_the_next_sweep(rig: Rig) -> None:
    rig.ready_actor()
    ask(rig, 1)
    rig.settle()
    [worker] = rig.store.workers.of_actor("actor1")
    rig.store.workers.request_stop("actor1", worker.id)
    rig.turn()
    assert rig.pool.stopped == []
    rig.turn(sweep=True)
    assert rig.pool.stopped == [worker.id]


def test_an_image_that_fails_ends_the_request(rig: Rig) -> None:
    rig.ready_actor()
    ask(rig, 2)
    rig.turn()
    rig.pool.fail("no such image")
    rig.turn()
    rig.turn(sweep=True)
    assert rig.actor() == (ActorStatus.ERROR, "no such image")
    assert not rig.pool.starting
    assert statuses(rig) == []


def test_with_the_hint_sync_the_worker_that_was_at_work_last_stays_longer(rig: Rig) -> None:
    rig.ready_actor(hints=("other", "sync"))
    ids = rig.post(2)
    rig.settle()
    last = rig.pool.running[ids[1]][0]
    rig.pool.end(ids[0])
    rig.turn()
    rig.clock.advance(100)
    rig.turn(sweep=True)
    # One at work is as good as one kept.
    assert [member.worker_id for member in rig.crew] == [last]
    rig.pool.end(ids[1])
    rig.turn()

    rig.clock.advance(599)
    rig.turn(sweep=True)
    assert [member.worker_id for member in rig.crew] == [last]
    rig.clock.advance(1)
    rig.turn(sweep=True)
    assert len(rig.crew) == 0


def test_of_idle_workers_with_the_hint_sync_one_stays(rig: Rig) -> None:
    rig.ready_actor(hints=("sync",))
    ask(rig, 3)
    rig.settle()
    rig.clock.advance(60)
    rig.turn(sweep=True)
    rig.turn(sweep=True)
    assert len(rig.crew) == 1


def test_a_hint_that_is_taken_back_has_no_effect(rig: Rig) -> None:
    rig.ready_actor(hints=("sync",))
    rig.post(1)
    rig.drain()
    rig.store.actors.change("DEV", "actor1", "ada", lambda actor: replace(actor, hints=("sync please",)))
    rig.turn("actor:actor1")
    rig.clock.advance(60)
    rig.turn(sweep=True)
    assert len(rig.crew) == 0


def test_every_worker_with_a_warm_container_stays_longer(rig: Rig) -> None:
    rig.ready_actor(hints=("warm",))
    ask(rig, 3)
    rig.settle()
    ids = rig.post(2)
    rig.turn()
    assert all(task.spec.warm for _, task in rig.pool.running.values())
    warm = {rig.pool.running[id_][0] for id_ in ids}
    rig.pool.end(*ids, result=outcome(stays=True))
    rig.turn()

    rig.clock.advance(599)
    rig.turn(sweep=True)
    # The third has had no message, so it has no container.
    assert {member.worker_id for member in rig.crew} == warm
    rig.clock.advance(1)
    rig.turn(sweep=True)
    assert len(rig.crew) == 0


def test_a_message_that_nobody_had_counted_costs_no_busy_worker(store: SqlStore) -> None:
    rig = Rig(store, max_workers=2)
    rig.ready_actor()
    ask(rig, 9)
    rig.settle()
    # It wants more workers than there are places, and is given a message before anybody looks who waits.
    for actor_id in ("actor1", "actor2", "actor3"):
        if actor_id != "actor1":
            rig.ready_actor(actor_id)
        rig.post(1, actor_id, actor_id)
    rig.turn()
    assert rig.running_of("actor1") == ["actor10000"]
    assert not any(member.leaving for member in rig.crew)


def test_with_the_hint_only_workers_whose_container_stayed_stay_longer(rig: Rig) -> None:
    """A program that does not serve has none, though the actor has the hint."""
    rig.ready_actor(hints=("warm",))
    for stays in (True, False):
        [id_] = rig.post(1, prefix=str(stays))
        rig.settle()
        rig.pool.end(id_, result=outcome(stays=stays))
        rig.turn()
        rig.clock.advance(60)
        rig.turn(sweep=True)
        assert len(rig.crew) == int(stays)


def test_a_warm_container_is_gone_when_the_next_one_does_not_start(rig: Rig) -> None:
    rig.ready_actor(hints=("warm",))
    [first] = rig.post(1)
    rig.settle()
    rig.pool.end(first, result=outcome(stays=True))
    rig.turn()
    assert [member.is_warm for member in rig.crew] == [True]
    [second] = rig.post(1, prefix="f")
    rig.turn()
    rig.pool.fail_start(second)
    rig.turn()
    assert [member.is_warm for member in rig.crew] == [False]


def test_an_ordinary_actors_containers_are_not_kept(rig: Rig) -> None:
    rig.ready_actor(hints=("sync", "warmer"))
    ids = rig.post(2)
    rig.settle()
    assert not any(task.spec.warm for _, task in rig.pool.running.values())
    rig.pool.end(*ids)
    rig.turn()
    rig.clock.advance(60)
    rig.turn(sweep=True)
    assert len(rig.crew) == 1


def test_warm_workers_make_room_for_whoever_needs_it(rig: Rig) -> None:
    rig.ready_actor(hints=("warm",), max_workers=4)
    ids = rig.post(4)
    rig.settle()
    rig.pool.end(*ids)
    rig.turn()
    assert len(rig.pool.free) == 4

    rig.ready_actor("actor2")
    rig.post(2, "actor2", prefix="f")
    rig.settle()
    assert (len(rig.crew.of("actor1")), len(rig.running_of("actor2"))) == (2, 2)


def test_without_the_hint_any_more_a_warm_worker_goes_as_others_do(rig: Rig) -> None:
    rig.ready_actor(hints=("warm",))
    [id_] = rig.post(1)
    rig.settle()
    rig.pool.end(id_, result=outcome(stays=True))
    rig.turn()
    rig.store.actors.change("DEV", "actor1", "ada", lambda actor: replace(actor, hints=()))
    rig.turn("actor:actor1")
    rig.clock.advance(60)
    rig.turn(sweep=True)
    assert len(rig.crew) == 0
