"""Who gets the places when there are fewer than wanted, and when workers go."""

from dataclasses import replace

import pytest
from engine.rig import Rig
from store.scene import TENANT, add_actor

from abaco.domain.event import WorkerStopped
from abaco.domain.lifecycle import ExecutionStatus
from abaco.store.sql import SqlStore

_CROWD = 300


def _finish_one(rig: Rig, actor_id: str) -> None:
    rig.pool.end(rig.running_of(actor_id)[0])
    rig.settle()


def test_a_worker_without_messages_is_retired_when_its_time_is_over(rig: Rig) -> None:
    rig.ready_actor()
    [id_] = rig.post(1)
    rig.settle()
    rig.clock.advance(1000)
    rig.turn(sweep=True)
    assert len(rig.crew) == 1  # at work is not idle
    rig.pool.end(id_)
    rig.turn()

    rig.clock.advance(59)
    rig.turn(sweep=True)
    assert len(rig.crew) == 1
    rig.clock.advance(1)
    rig.turn(sweep=True)
    assert len(rig.crew) == 0
    assert len(rig.pool.stopped) == 1
    assert rig.store.workers.of_actor("actor1") == []
    last = rig.events[-1]
    assert isinstance(last, WorkerStopped)
    assert last.reason == "idle"


def test_an_idle_worker_makes_room_at_once_for_an_actor_that_has_none(store: SqlStore) -> None:
    rig = Rig(store, max_workers=2)
    for actor_id in ("a", "b"):
        rig.ready_actor(actor_id)
        rig.post(1, actor_id, actor_id)
    rig.drain()
    assert len(rig.crew) == 2
    rig.ready_actor("c")
    rig.post(1, "c", "c")

    rig.turn()

    assert [order.actor_id for order in rig.pool.starting.values()] == ["c"]
    assert len(rig.crew) == 2


def test_a_message_among_the_crowd_of_another_tenant_waits_for_one_execution_only(store: SqlStore) -> None:
    rig = Rig(store, max_workers=3, max_workers_per_actor=10)
    rig.ready_actor("many", tenant="big")
    rig.post(_CROWD, "many", "m")
    rig.settle()
    assert len(rig.running_of("many")) == 3
    rig.ready_actor("one", tenant="small")
    [id_] = rig.post(1, "one", "o")
    rig.turn()
    assert "o0000" not in rig.pool.ran

    leaving = next(member for member in rig.crew if member.leaving)
    rig.pool.end(leaving.claims[0].execution_id)
    rig.settle()

    assert rig.running_of("one") == [id_]
    assert len(rig.running_of("many")) == 2
    rig.pool.end(id_)
    rig.drain()
    assert rig.status(id_, "one") is ExecutionStatus.COMPLETE
    assert {e.status for e in store.executions.of_actor("many")} == {ExecutionStatus.COMPLETE}
    assert len(rig.pool.ran) == len(set(rig.pool.ran)) == _CROWD + 1


def test_one_place_is_made_for_one_actor_however_long_it_takes(store: SqlStore) -> None:
    rig = Rig(store, max_workers=3)
    rig.ready_actor("many")
    rig.post(10, "many", "m")
    rig.settle()
    rig.ready_actor("one")
    rig.post(1, "one", "o")
    for _ in range(5):
        rig.turn(sweep=True)
    assert sum(member.leaving for member in rig.crew) == 1


def test_a_worker_that_is_to_make_room_does_so_even_if_its_container_did_not_start(store: SqlStore) -> None:
    rig = Rig(store, max_workers=2)
    rig.ready_actor("many")
    rig.post(10, "many", "m")
    rig.settle()
    rig.ready_actor("one")
    [id_] = rig.post(1, "one", "o")
    rig.turn()
    leaving = next(member for member in rig.crew if member.leaving)

    rig.pool.fail_start(leaving.claims[0].execution_id)
    rig.settle()

    assert rig.running_of("one") == [id_]


def test_a_worker_that_is_to_make_room_does_so_at_once_if_it_is_not_ready_yet(store: SqlStore) -> None:
    rig = Rig(store, max_workers=2)
    rig.ready_actor("many")
    rig.post(10, "many", "m")
    rig.turn()
    rig.ready_actor("one")
    [id_] = rig.post(1, "one", "o")
    rig.turn()
    assert [order.actor_id for order in rig.pool.starting.values()] == ["many", "one"]
    assert len(rig.pool.stopped) == 1

    rig.settle()

    assert rig.running_of("one") == [id_]
    assert len(rig.crew) == 2


def test_registries_that_never_answer_keep_nobody_else_waiting(store: SqlStore) -> None:
    rig = Rig(store, max_workers=4)
    for number in range(4):
        add_actor(store, f"tar{number}", owner="mallory", image=f"tarpit.example/x{number}")
    rig.turn(sweep=True)
    silent = list(rig.pool.starting)
    rig.ready_actor("good", owner="bob")
    [id_] = rig.post(1, "good")
    rig.turn()
    [bobs] = set(rig.pool.starting) - set(silent)
    rig.pool.ready(bobs)
    for _ in range(10):
        rig.clock.advance(2)
        rig.turn(sweep=True)
        # What was let go waits for a place, and is not started over and over again meanwhile.
        assert list(rig.pool.running) == [id_]
        assert list(rig.pool.starting) == silent[:3]
        assert rig.pool.stopped == silent[3:]
    rig.pool.end(id_)
    rig.turn()
    assert sorted(order.actor_id for order in rig.pool.starting.values()) == [f"tar{number}" for number in range(4)]


def test_an_equal_waits_while_an_image_is_prepared_but_not_for_ever(store: SqlStore) -> None:
    rig = Rig(store, max_workers=1)
    add_actor(store, "slow", owner="ada")
    rig.turn(sweep=True)
    rig.ready_actor("good", owner="bob")
    rig.post(1, "good")
    rig.clock.advance(299)
    rig.turn(sweep=True)
    assert [order.actor_id for order in rig.pool.starting.values()] == ["slow"]
    rig.clock.advance(1)
    rig.turn(sweep=True)
    assert [order.actor_id for order in rig.pool.starting.values()] == ["good"]
    rig.settle()
    rig.pool.end(*rig.pool.running)
    rig.turn()
    assert [order.actor_id for order in rig.pool.starting.values()] == ["slow"]


def test_a_requested_worker_that_made_room_while_it_started_comes_back(store: SqlStore) -> None:
    rig = Rig(store, max_workers=2)
    rig.ready_actor("many")
    store.workers.request("many", 2)
    rig.turn(sweep=True)
    rig.ready_actor("one")
    [id_] = rig.post(1, "one", "o")
    rig.turn()
    assert [order.actor_id for order in rig.pool.starting.values()] == ["many", "one"]
    rig.settle()
    rig.pool.end(id_)
    rig.turn(sweep=True)
    assert [member.actor_id for member in rig.crew] == ["many", "many"]


@pytest.mark.parametrize("deleted", [False, True], ids=["new revision", "deleted"])
def test_nobody_waits_for_the_image_of_an_actor_that_is_another_or_gone(store: SqlStore, deleted: bool) -> None:
    rig = Rig(store)
    add_actor(store, "actor1")
    rig.turn(sweep=True)
    [worker_id] = rig.pool.starting
    if deleted:
        store.actors.begin_delete(TENANT, "actor1", rig.clock.now())
    else:
        store.actors.change(TENANT, "actor1", "ada", lambda actor: replace(actor, revision=2, image="other"))
    rig.turn("actor:actor1")
    assert rig.pool.stopped == [worker_id]
    assert len(rig.pool.starting) == (0 if deleted else 1)


def test_nobody_is_robbed_of_the_only_worker(store: SqlStore) -> None:
    rig = Rig(store, max_workers=2)
    for actor_id in ("a", "b", "c"):
        rig.ready_actor(actor_id)
        rig.post(3, actor_id, actor_id)
    rig.settle()
    assert len(rig.pool.running) == 2
    assert not any(member.leaving for member in rig.crew)
    # Yet nobody starves: who has nothing left to do makes room.
    rig.drain()
    assert sorted(rig.pool.ran) == [f"{actor_id}000{n}" for actor_id in "abc" for n in range(3)]


def test_places_are_shared_by_tenants_not_by_messages(store: SqlStore) -> None:
    rig = Rig(store, max_workers=4, max_workers_per_actor=4)
    rig.ready_actor("a1", tenant="a")
    rig.ready_actor("a2", tenant="a")
    rig.ready_actor("b", tenant="b")
    for actor_id in ("a1", "a2", "b"):
        rig.post(20, actor_id, actor_id)
    rig.settle()
    assert {actor_id: len(rig.running_of(actor_id)) for actor_id in ("a1", "a2", "b")} == {"a1": 1, "a2": 1, "b": 2}


def test_a_tenant_with_a_worker_at_work_for_long_gets_its_share_of_anothers_backlog(store: SqlStore) -> None:
    rig = Rig(store, max_workers=4, max_workers_per_actor=20)
    for tenant in ("a", "b"):
        rig.ready_actor(tenant, tenant=tenant)
    rig.post(_CROWD, "a", "a")
    rig.settle()
    rig.post(1, "b", "long")
    for _ in range(2):
        rig.turn()
        rig.pool.end(*rig.running_of("a"))
        rig.settle()
    assert (len(rig.running_of("a")), rig.running_of("b")) == (3, ["long0000"])
    rig.post(5, "b", "b")
    # It may be but a burst: within the two seconds of a turn nobody loses a second worker for it.
    for seconds, shares in ((0, (3, 1)), (1, (3, 1)), (1, (2, 2)), (3, (2, 2))):
        rig.clock.advance(seconds)
        rig.turn()
        rig.pool.end(*rig.running_of("a"))
        rig.settle()
        assert (len(rig.running_of("a")), len(rig.running_of("b"))) == shares
    stopped = len(rig.pool.stopped)
    for _ in range(3):
        rig.pool.end(*[id_ for id_ in rig.pool.running if id_ != "long0000"])
        rig.settle()
    assert len(rig.pool.stopped) == stopped


def test_tenants_workers_count_even_while_their_actors_want_no_more(store: SqlStore) -> None:
    rig = Rig(store, max_workers=4, max_workers_per_actor=4)
    rig.ready_actor("a1", tenant="a")
    rig.ready_actor("a2", tenant="a")
    rig.ready_actor("b", tenant="b")
    rig.post(2, "a1", "x")
    rig.settle()
    rig.turn("actor:a1")  # its messages are all claimed: it wants nothing more
    for actor_id in ("a2", "b"):
        rig.post(5, actor_id, actor_id)
    rig.settle()
    assert (len(rig.running_of("a2")), len(rig.running_of("b"))) == (0, 2)
    _finish_one(rig, "a1")
    assert (len(rig.running_of("a2")), len(rig.running_of("b"))) == (1, 2)
    _finish_one(rig, "a1")
    rig.turn(sweep=True)
    assert len(rig.crew) == 4
