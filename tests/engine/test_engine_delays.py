"""Delayed messages: the engine knows when the next is due, and asks for no more."""

from dataclasses import replace
from datetime import datetime, timedelta

from engine.rig import Rig, statements
from store.scene import new_message

DELAY = timedelta(seconds=30)


def delayed(rig: Rig, *ids: str, by: timedelta = DELAY, actor_id: str = "actor1") -> datetime:
    due = rig.clock.now() + by
    rig.store.mailbox.add([new_message(id_, actor_id, executor={"not_before": due}) for id_ in ids])
    return due


def wait_until(rig: Rig, due: datetime) -> None:
    rig.clock.time = due
    rig.settle()


def test_a_delayed_message_starts_no_worker_until_it_is_due(rig: Rig) -> None:
    rig.ready_actor()
    due = delayed(rig, "e1", "e2")
    rig.turn("delayed:actor1")
    assert len(rig.crew) == 0
    assert rig.dispatcher.next_retry() == due
    wait_until(rig, due - timedelta(milliseconds=1))
    assert len(rig.crew) == 0
    wait_until(rig, due)
    assert set(rig.pool.running) == {"e1", "e2"}
    assert rig.dispatcher.next_retry() is None


def test_the_earliest_of_all_actors_is_waited_for_and_then_the_next(rig: Rig) -> None:
    for actor_id in ("actor1", "actor2"):
        rig.ready_actor(actor_id)
    late, early = delayed(rig, "late", by=2 * DELAY), delayed(rig, "early", actor_id="actor2")
    rig.turn("delayed:actor1", "delayed:actor2")
    assert rig.dispatcher.next_retry() == early
    wait_until(rig, early)
    assert list(rig.pool.running) == ["early"]
    assert rig.dispatcher.next_retry() == late
    wait_until(rig, late)
    assert set(rig.pool.running) == {"early", "late"}


def test_messages_that_come_later_are_not_held_up(rig: Rig) -> None:
    rig.ready_actor()
    delayed(rig, "delayed")
    [id_] = rig.post(1)
    rig.settle()
    assert list(rig.pool.running) == [id_]


def test_an_actor_that_becomes_stateful_works_on_while_it_has_delayed_ones(rig: Rig) -> None:
    """P3"""
    actor = rig.ready_actor()
    due = delayed(rig, "delayed")
    [id_] = rig.post(1)
    rig.settle()
    rig.store.actors.change(actor.tenant, actor.id, actor.owner, lambda now: replace(now, stateless=False))
    rig.store.workers.request("actor1", 2)
    rig.turn("actor:actor1")
    wait_until(rig, due)
    assert len(rig.crew) == 2
    assert list(rig.pool.running) == [id_]
    rig.pool.end(id_)
    rig.turn()
    assert list(rig.pool.running) == ["delayed"]


def test_a_new_engine_and_a_lost_word_cost_a_sweep(rig: Rig) -> None:
    rig.ready_actor()
    due = delayed(rig, "e1")
    successor = Rig(rig.store, rig.clock, "engine2")
    successor.turn(sweep=True)
    assert successor.dispatcher.next_retry() == due
    wait_until(successor, due)
    assert list(successor.pool.running) == ["e1"]


def test_what_fell_due_while_no_engine_ran_is_found(rig: Rig) -> None:
    rig.ready_actor()
    rig.clock.time = delayed(rig, "e1") + DELAY
    successor = Rig(rig.store, rig.clock, "engine2")
    successor.turn(sweep=True)
    successor.settle()
    assert list(successor.pool.running) == ["e1"]


def test_until_then_the_store_is_left_alone(rig: Rig) -> None:
    rig.ready_actor()
    delayed(rig, "e1")
    rig.turn("delayed:actor1")
    with statements() as seen:
        rig.turn()
    assert seen == []
