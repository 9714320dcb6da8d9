"""Queues with places and devices of their own, and turns where there are more actors than places."""

from dataclasses import replace

import pytest
from engine.rig import Rig

from abaco.domain.actor import Actor
from abaco.domain.queue import Queue
from abaco.store.sql import SqlStore

_QUEUES = {"default": Queue(1), "gpu": Queue(2, gpus=("example.com/gpu=0", "example.com/gpu=1"))}


@pytest.fixture
def rig(store: SqlStore) -> Rig:
    return Rig(store, queues=_QUEUES)


def _ready(rig: Rig, actor_id: str, messages: int = 3, **attributes: object) -> None:
    rig.ready_actor(actor_id, **attributes)
    rig.post(messages, actor_id, actor_id)


def _running(rig: Rig) -> list[str]:
    return sorted(id_[:-4] for id_ in rig.pool.running)


def _end_all(rig: Rig) -> None:
    rig.pool.end(*rig.pool.running)
    rig.settle()


def test_every_queue_has_places_of_its_own(rig: Rig) -> None:
    _ready(rig, "plain")
    _ready(rig, "fast", queue="gpu")
    rig.settle()
    assert _running(rig) == ["fast", "fast", "plain"]


def test_an_actor_whose_queue_is_gone_waits_until_it_is_back(store: SqlStore) -> None:
    rig = Rig(store, queues={"default": Queue(4)})
    _ready(rig, "fast", 1, queue="gpu")
    rig.settle()
    rig.turn(sweep=True)
    assert len(rig.crew) == 0
    again = Rig(store, engine_id="engine2", queues=_QUEUES)
    again.turn(sweep=True)
    again.settle()
    assert _running(again) == ["fast"]


def test_a_device_has_one_worker_at_a_time(rig: Rig) -> None:
    for actor_id in ("a", "b"):
        _ready(rig, actor_id, queue="gpu", gpus=("example.com/gpu=0",))
    _ready(rig, "c", queue="gpu", gpus=("example.com/gpu=1",))
    seen = []
    for _ in range(6):
        rig.settle()
        seen.append(_running(rig))
        rig.clock.advance(3)
        _end_all(rig)
    assert all(sorted(names) in (["a"], ["a", "c"], ["b"], ["b", "c"]) for names in seen)
    # Both have use for it until the end, so they take turns.
    assert [name for names in seen for name in names if name != "c"] == ["a", "b"] * 3


def test_a_worker_that_has_a_device_and_no_message_gives_it_up_at_once(rig: Rig) -> None:
    _ready(rig, "a", 1, queue="gpu", gpus=("example.com/gpu=0",))
    rig.settle()
    _end_all(rig)
    assert len(rig.crew) == 1
    _ready(rig, "b", 1, queue="gpu", gpus=("example.com/gpu=0",))
    rig.settle()
    assert _running(rig) == ["b"]


def test_an_actor_that_needs_devices_has_one_worker(rig: Rig) -> None:
    _ready(rig, "a", 9, queue="gpu", gpus=("example.com/gpu=0",), max_workers=5)
    rig.settle()
    assert len(rig.crew) == 1


def test_moved_to_another_queue_an_actor_leaves_its_workers_behind(rig: Rig) -> None:
    _ready(rig, "a", 5)
    rig.settle()

    def move(actor: Actor) -> Actor:
        return replace(actor, queue="gpu", revision=actor.revision + 1)

    rig.store.actors.change("DEV", "a", "ada", move)
    rig.turn("actor:a")
    rig.settle()
    assert [member.queue for member in rig.crew] == ["default", "gpu", "gpu"]
    _end_all(rig)
    assert [member.queue for member in rig.crew] == ["gpu", "gpu"]


@pytest.mark.parametrize("gpus", [(), ("example.com/gpu=1",)], ids=["plain", "device"])
def test_a_moved_actors_new_worker_waits_for_the_one_left_behind(rig: Rig, gpus: tuple[str, ...]) -> None:
    """P3"""
    _ready(rig, "a", 2, stateless=False)
    rig.settle()
    rig.store.actors.change(
        "DEV", "a", "ada", lambda actor: replace(actor, queue="gpu", gpus=gpus, revision=actor.revision + 1)
    )
    for _ in range(3):
        rig.turn("actor:a")
        rig.settle()
    assert rig.pool.stopped == []
    assert [member.queue for member in rig.crew] == ["default", "gpu"]


@pytest.mark.parametrize("gpus", [("example.com/gpu=1",), ()], ids=["another", "none"])
def test_a_device_stays_with_the_worker_that_has_it_whatever_its_actor_names_now(
    rig: Rig, gpus: tuple[str, ...]
) -> None:
    _ready(rig, "a", 3, queue="gpu", gpus=("example.com/gpu=0",))
    rig.settle()
    rig.store.actors.change("DEV", "a", "ada", lambda actor: replace(actor, gpus=gpus, revision=actor.revision + 1))
    rig.turn("actor:a")
    _ready(rig, "b", 1, queue="gpu", gpus=("example.com/gpu=0",))
    rig.clock.advance(3)
    rig.settle()
    rig.turn(sweep=True)
    assert "a0000" in rig.pool.running
    assert "b" not in _running(rig)
    rig.pool.end("a0000")
    rig.settle()
    assert _running(rig) == ["a", "b"]


def test_a_device_that_the_settings_gave_to_another_queue_is_that_queues(store: SqlStore) -> None:
    rig = Rig(store, queues={"small": Queue(2), "large": Queue(2, gpus=("example.com/gpu=1",))})
    for actor_id, queue in (("old", "small"), ("new", "large")):
        _ready(rig, actor_id, 1, queue=queue, gpus=("example.com/gpu=1",))
    store.workers.request("old", 1)
    rig.settle()
    rig.turn(sweep=True)
    assert [member.actor_id for member in rig.crew] == ["new"]
    again = Rig(store, engine_id="engine2", queues=_QUEUES | {"small": Queue(1, gpus=("example.com/gpu=1",))})
    again.turn(sweep=True)
    again.settle()
    assert _running(again) == ["old"]


def test_equals_take_turns_where_there_are_more_of_them_than_places(rig: Rig) -> None:
    for actor_id in ("a", "b", "c"):
        _ready(rig, actor_id, 4)
    order = []
    for _ in range(12):
        rig.settle()
        order += _running(rig)
        rig.clock.advance(3)
        _end_all(rig)
    assert order == ["a", "b", "c"] * 4


def test_who_comes_later_gets_its_turn_too(rig: Rig) -> None:
    _ready(rig, "a", 4)
    rig.settle()
    _ready(rig, "b", 1)
    rig.settle()
    rig.clock.advance(3)
    rig.turn(sweep=True)
    _end_all(rig)
    assert _running(rig) == ["b"]


def test_a_turn_is_longer_than_one_short_execution(rig: Rig) -> None:
    for actor_id in ("a", "b"):
        _ready(rig, actor_id, 4)
    order = []
    for _ in range(8):
        rig.settle()
        order += _running(rig)
        rig.clock.advance(1.1)
        _end_all(rig)
    assert order == ["a", "a", "b", "b"] * 2


def test_an_owners_many_actors_do_not_keep_anothers_only_message_waiting(store: SqlStore) -> None:
    rig = Rig(store, max_workers=3)
    for number in range(30):
        _ready(rig, f"crowd{number:02}", 10, owner="bob")
    rig.settle()
    _ready(rig, "single", 1, owner="eve")
    rig.settle()
    assert "single" not in _running(rig)
    _end_all(rig)
    assert "single" in _running(rig)


def test_nobody_makes_room_for_who_waits_for_a_device_that_is_not_free_yet(rig: Rig) -> None:
    gpus = ("example.com/gpu=0",)
    _ready(rig, "a", owner="a", queue="gpu", gpus=gpus)
    rig.settle()
    _ready(rig, "plain", 20, owner="plain", queue="gpu")
    rig.settle()
    for actor_id in ("b", "c"):
        _ready(rig, actor_id, owner=actor_id, queue="gpu", gpus=gpus)
    rig.clock.advance(3)
    for _ in range(5):
        rig.turn(sweep=True)
        assert [member.leaving for member in rig.crew.of("plain")] == [False]
        rig.pool.end(*rig.running_of("plain"))
        rig.settle()
    assert rig.pool.stopped == []
    rig.pool.end(*rig.running_of("a"))
    rig.settle()
    assert _running(rig) == ["b", "plain"]
