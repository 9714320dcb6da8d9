"""When the engine asks the store, and when it need not."""

from datetime import timedelta

import pytest
from engine.rig import Rig, statements
from store.scene import TENANT, add_actor, new_message

from abaco.domain.lifecycle import ActorStatus
from abaco.engine.dispatcher import Turn


def test_a_turn_with_nothing_to_do_asks_the_store_nothing(rig: Rig) -> None:
    rig.ready_actor()
    rig.post(1)
    rig.settle()
    with statements() as seen:
        assert rig.turn() == Turn(0, 0)
        assert seen == []
        rig.turn(sweep=True)
        assert seen != []


def test_posts_to_a_saturated_actor_cause_no_look(rig: Rig) -> None:
    rig.ready_actor(max_workers=2)
    rig.post(3)
    rig.settle()
    posted = [f"f{n}" for n in range(5)]
    rig.store.mailbox.add([new_message(id_) for id_ in posted])
    with statements() as seen:
        for _ in posted:
            rig.turn("message:actor1")
        assert seen == []

    rig.drain()
    assert set(posted) < set(rig.pool.ran)


def test_posts_cause_no_look_while_no_place_is_free_either(rig: Rig) -> None:
    rig.ready_actor(max_workers=20)
    rig.post(9)
    rig.settle()
    assert len(rig.crew) == 4
    with statements() as seen:
        rig.turn("message:actor1")
        assert seen == []


def test_a_post_is_looked_at_while_another_worker_could_take_it(rig: Rig) -> None:
    rig.ready_actor(max_workers=2)
    rig.post(1)
    rig.settle()
    [id_] = rig.post(1, prefix="f")
    rig.settle()
    assert id_ in rig.pool.running


def test_a_post_to_an_idle_worker_is_claimed_in_the_same_turn(rig: Rig) -> None:
    rig.ready_actor(stateless=False)
    rig.post(1)
    rig.drain()
    [id_] = rig.post(1, prefix="f")
    assert rig.turn().claimed == 1
    assert id_ in rig.pool.running


def test_a_message_that_nobody_told_the_engine_of_is_found_by_the_sweep(rig: Rig) -> None:
    rig.ready_actor()
    rig.store.mailbox.add([new_message("e1")])
    rig.turn()
    assert len(rig.crew) == 0
    rig.turn(sweep=True)
    rig.pool.ready()
    rig.turn()
    assert list(rig.pool.running) == ["e1"]


def test_a_registration_and_a_deletion_that_nobody_told_of_are_found_by_the_sweep(rig: Rig) -> None:
    rig.ready_actor("gone")
    rig.store.actors.begin_delete(TENANT, "gone", rig.clock.now())
    add_actor(rig.store, "new")
    rig.turn(sweep=True)
    assert rig.look("gone") is None
    assert [order.actor_id for order in rig.pool.starting.values()] == ["new"]


def test_topics_about_unknown_actors_and_unknown_topics_do_nothing(rig: Rig) -> None:
    rig.ready_actor()
    assert rig.turn("actor:nobody", "message:nobody", "halt:nothing", "nonsense", ":", "") == Turn(0, 0)
    assert len(rig.crew) == 0
    assert rig.actor()[0] is ActorStatus.READY


def test_there_is_no_retry_without_a_delayed_message(rig: Rig) -> None:
    rig.ready_actor()
    [id_] = rig.post(1)
    rig.settle()
    assert rig.dispatcher.next_retry() is None
    rig.pool.fail_start(id_)
    rig.turn()
    assert rig.dispatcher.next_retry() == rig.clock.now() + timedelta(seconds=0.1)


def test_a_post_to_an_idle_worker_is_handed_out_before_anything_is_looked_at(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.ready_actor(max_workers=2)
    rig.post(1)
    rig.drain()
    posted = rig.post(3, prefix="f")
    with statements() as seen, monkeypatch.context() as patch:
        patch.delattr("abaco.engine.autoscaler.plan")  # nor anybody's share reckoned
        assert rig.dispatcher.run_once() == Turn(0, 1)
    assert list(rig.pool.running) == posted[:1]
    assert not any("count(*)" in statement for statement in seen)
    # The rest is looked at a moment later, unless something else happens first.
    due = rig.dispatcher.next_retry()
    assert due is not None
    assert due - rig.clock.now() <= timedelta(seconds=0.005)
    rig.dispatcher.run_once()
    assert len(rig.crew) == 2
    rig.drain()
    assert set(posted) < set(rig.pool.ran)
