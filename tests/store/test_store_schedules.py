"""A firing and its slot's advance are one (contract 3.5)."""

from dataclasses import replace
from typing import Any

import pytest
from store.conftest import OpenStore
from store.scene import NOW, TENANT, add_actor, later, new_message

from abaco.domain.actor import Actor
from abaco.errors import NotFound
from abaco.store.sql import SqlStore

HOURLY: dict[str, Any] = {
    "cron_schedule": "now + 1 hour",
    "cron_on": True,
    "cron_start_at": NOW,
    "cron_next_at": NOW,
}


def test_who_is_due(store: SqlStore) -> None:
    assert store.schedules.next_at() is None
    add_actor(store, "idle")
    add_actor(store, "second", **HOURLY)
    add_actor(store, "first", **HOURLY | {"cron_next_at": later(hours=-3), "cron_on": False})
    add_actor(store, "future", **HOURLY | {"cron_next_at": later(seconds=1)})
    add_actor(store, "deleted", **HOURLY | {"cron_next_at": later(days=-9)})
    store.actors.begin_delete(TENANT, "deleted", NOW)
    assert [actor.id for actor in store.schedules.due(NOW, 10)] == ["first", "second"]
    assert [actor.id for actor in store.schedules.due(NOW, 1)] == ["first"]
    assert store.schedules.next_at() == later(hours=-3)


def test_a_slot_fires_once(store: SqlStore, open_store: OpenStore) -> None:
    actor = add_actor(store, **HOURLY)
    assert store.schedules.advance(actor, later(hours=1), new_message("e1"))
    assert not open_store().schedules.advance(actor, later(hours=1), new_message("e2"))
    assert store.mailbox.count("actor1") == 1
    assert store.schedules.due(NOW, 10) == []
    assert store.schedules.next_at() == later(hours=1)


def test_without_a_message_it_only_moves_on(store: SqlStore) -> None:
    actor = add_actor(store, **HOURLY)
    assert store.schedules.advance(actor, None, None)
    assert store.mailbox.count("actor1") == 0
    assert store.schedules.next_at() is None


def test_a_message_that_cannot_be_stored_leaves_the_slot(store: SqlStore) -> None:
    actor = add_actor(store, **HOURLY)
    with pytest.raises(NotFound):
        store.schedules.advance(actor, later(hours=1), new_message("e1", "unknown"))
    assert store.schedules.due(NOW, 10) == [actor]


@pytest.mark.parametrize(
    "change", [{"cron_on": False}, {"cron_schedule": "now + 2 hours"}, {"cron_next_at": later(days=1)}]
)
def test_what_was_changed_meanwhile_is_not_overruled(store: SqlStore, change: dict[str, Any]) -> None:
    seen = add_actor(store, **HOURLY)

    def revise(current: Actor) -> Actor:
        return replace(current, **change)

    changed = store.actors.change(TENANT, "actor1", "ada", revise)
    assert not store.schedules.advance(seen, later(hours=1), new_message("e1"))
    assert store.schedules.next_at() == changed.cron_next_at
    assert store.mailbox.count("actor1") == 0


def test_a_deleted_actor_does_not_fire(store: SqlStore) -> None:
    actor = add_actor(store, **HOURLY)
    store.actors.begin_delete(TENANT, "actor1", NOW)
    assert not store.schedules.advance(actor, later(hours=1), new_message("e1"))
