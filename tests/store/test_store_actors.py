"""Actors: registering, finding, listing, changing, the engine's word on their status. Deleting has its own file."""

from dataclasses import replace
from typing import Any

import pytest
from store.scene import NOW, TENANT, add_actor, an_actor, later

from abaco.domain.actor import Actor
from abaco.domain.lifecycle import ActorStatus
from abaco.domain.permission import WORLD, Level
from abaco.errors import Conflict, InvalidInput, NotFound
from abaco.ports import ActorPosition, Store

EVERY_FIELD: dict[str, Any] = {
    "description": "d",
    "type": "json",
    "default_environment": {"text": "x", "nested": {"a": [1, None, True]}, "null": None},
    "stateless": False,
    "state": [1, {"a": "b"}],
    "hints": ("sync", "gpu"),
    "token": False,
    "privileged": True,
    "use_container_uid": True,
    "queue": "special",
    "max_workers": 7,
    "mem_limit": "512m",
    "max_cpus": 3_000_000_000,
    "log_ex": 16_000,
    "uid": 4_000_000_000,
    "gid": 100,
    "revision": 3,
    "status": ActorStatus.ERROR,
    "status_message": "broken",
    "updated_at": later(days=1),
}


def found(store: Store, username: str = "ada", actor_id: str = "actor1", tenant: str = TENANT) -> ActorPosition:
    position = store.actors.find(tenant, actor_id, username)
    assert position is not None
    return position


def visible(store: Store, username: str, tenant: str = TENANT) -> list[str]:
    return [actor.id for actor in store.actors.list_visible(tenant, username)]


def test_an_actor_is_found_with_every_field_as_it_was_added(store: Store) -> None:
    actor = add_actor(store, **EVERY_FIELD)
    assert found(store) == ActorPosition(actor, Level.UPDATE)


def test_nobody_is_shown_more_at_once_than_a_server_has_memory_for(store: Store) -> None:
    """P6: what a user lets everybody read is in everybody's listing."""
    for number in range(33):
        add_actor(store, f"actor{number}", default_environment={"A": "x" * 1024**2})
        store.permissions.grant(f"actor{number}", WORLD, Level.READ)
    with pytest.raises(InvalidInput, match="larger than 32 MiB together"):
        store.actors.list_visible(TENANT, "bob")
    assert store.actors.list_visible("OTHER", "bob") == []


def test_optional_fields_may_be_none(store: Store) -> None:
    actor = add_actor(store, name=None)
    assert found(store).actor == actor


@pytest.mark.parametrize(
    ("own", "world", "level"),
    [
        (None, None, Level.NONE),
        (Level.READ, None, Level.READ),
        (None, Level.EXECUTE, Level.EXECUTE),
        (Level.READ, Level.EXECUTE, Level.EXECUTE),
        (Level.UPDATE, Level.READ, Level.UPDATE),
        (Level.NONE, Level.UPDATE, Level.NONE),
        (Level.READ, Level.NONE, Level.READ),
    ],
)
def test_the_effective_level_combines_the_own_entry_and_the_worlds(
    store: Store, own: Level | None, world: Level | None, level: Level
) -> None:
    add_actor(store)
    for username, entry in (("bob", own), (WORLD, world)):
        if entry is not None:
            store.permissions.grant("actor1", username, entry)
    assert found(store, "bob").level is level
    assert visible(store, "bob") == (["actor1"] if level >= Level.READ else [])


def test_an_actor_is_found_in_its_own_tenant_only(store: Store) -> None:
    """P6"""
    add_actor(store, "actor1", tenant="ONE")
    add_actor(store, "actor2", tenant="TWO")
    store.permissions.grant("actor1", WORLD, Level.UPDATE)
    assert store.actors.find("TWO", "actor1", "ada") is None
    assert visible(store, "ada", "TWO") == ["actor2"]
    with pytest.raises(NotFound):
        store.actors.change("TWO", "actor1", "ada", lambda actor: actor)
    with pytest.raises(NotFound):
        store.actors.begin_delete("TWO", "actor1", NOW)
    assert found(store, tenant="ONE").level is Level.UPDATE


def test_the_list_is_in_order_of_registration(store: Store) -> None:
    for actor_id in ("zebra", "apple", "mango"):
        add_actor(store, actor_id)
    assert visible(store, "ada") == ["zebra", "apple", "mango"]


def test_change_replaces_the_actor_by_what_it_is_revised_to(store: Store) -> None:
    actor = add_actor(store)
    add_actor(store, "actor2")
    changed = store.actors.change(TENANT, "actor1", "ada", lambda actor: replace(actor, **EVERY_FIELD))
    assert changed == replace(actor, **EVERY_FIELD) == found(store).actor
    assert found(store, actor_id="actor2").actor == an_actor("actor2")


def test_an_editor_who_is_not_the_owner_gets_an_entry(store: Store) -> None:
    add_actor(store)
    store.actors.change(TENANT, "actor1", "bob", lambda actor: replace(actor, description="bob's"))
    assert store.permissions.entries("actor1") == {"ada": Level.UPDATE, "bob": Level.UPDATE}
    assert found(store).actor.owner == "ada"


def test_a_change_that_is_refused_changes_nothing(store: Store) -> None:
    actor = add_actor(store)

    def refuse(actor: Actor) -> Actor:
        raise Conflict(actor.id)

    with pytest.raises(Conflict):
        store.actors.change(TENANT, "actor1", "bob", refuse)
    assert found(store).actor == actor
    assert store.permissions.entries("actor1") == {"ada": Level.UPDATE}


def test_changing_an_unknown_actor_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound, match="unknown"):
        store.actors.change(TENANT, "unknown", "ada", lambda actor: actor)


def test_ready_is_entered_once(store: Store) -> None:
    add_actor(store)
    assert store.actors.mark_ready("actor1", 1, NOW)
    assert not store.actors.mark_ready("actor1", 1, NOW)
    assert found(store).actor.status is ActorStatus.READY
    assert found(store).actor.status_message == " "


def test_error_is_entered_once_and_left_by_a_healthy_worker(store: Store) -> None:
    add_actor(store)
    assert store.actors.mark_error("actor1", 1, "no such image", NOW)
    assert not store.actors.mark_error("actor1", 1, "again", NOW)
    assert found(store).actor.status is ActorStatus.ERROR
    assert found(store).actor.status_message == "no such image"
    assert store.actors.mark_ready("actor1", 1, NOW)


def test_word_about_another_revision_changes_nothing(store: Store) -> None:
    actor = add_actor(store, revision=2)
    for revision in (1, 3):
        assert not store.actors.mark_ready("actor1", revision, NOW)
        assert not store.actors.mark_error("actor1", revision, "old", NOW)
    assert found(store).actor == actor


def test_word_about_an_unknown_actor_changes_nothing(store: Store) -> None:
    assert not store.actors.mark_ready("unknown", 1, NOW)
    assert not store.actors.mark_error("unknown", 1, "gone", NOW)


def test_what_an_owner_has(store: Store) -> None:
    add_actor(store, "actor1")
    add_actor(store, "actor2")
    add_actor(store, "bobs", owner="bob")
    add_actor(store, "gone")
    add_actor(store, "elsewhere", tenant="OTHER")
    store.actors.begin_delete(TENANT, "gone", NOW)
    assert sorted(store.actors.owned(TENANT, "ada")) == ["actor1", "actor2"]
    assert store.actors.owned(TENANT, "eve") == []
    assert [store.actors.exists(actor_id) for actor_id in ("actor1", "elsewhere", "gone", "unknown")] == [
        True,
        True,
        False,
        False,
    ]
