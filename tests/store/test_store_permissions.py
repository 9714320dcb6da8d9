from store.scene import add_actor

from abaco.domain.permission import Level
from abaco.ports import Store


def test_granting_adds_and_replaces_entries(store: Store) -> None:
    add_actor(store)
    store.permissions.grant("actor1", "bob", Level.READ)
    store.permissions.grant("actor1", "bob", Level.NONE)
    store.permissions.grant("actor1", "eve", Level.EXECUTE)
    assert store.permissions.entries("actor1") == {"ada": Level.UPDATE, "bob": Level.NONE, "eve": Level.EXECUTE}


def test_entries_belong_to_one_actor(store: Store) -> None:
    """P6"""
    add_actor(store, "actor1")
    add_actor(store, "actor2")
    store.permissions.grant("actor1", "bob", Level.UPDATE)
    assert store.permissions.entries("actor2") == {"ada": Level.UPDATE}


def test_an_unknown_actor_has_no_entries(store: Store) -> None:
    assert store.permissions.entries("unknown") == {}
