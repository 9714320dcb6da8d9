"""Aliases and nonces."""

from dataclasses import replace
from typing import Any

import pytest
from store.scene import NOW, TENANT, add_actor, later

from abaco.domain.alias import Alias
from abaco.domain.nonce import Nonce
from abaco.domain.permission import WORLD, Level
from abaco.domain.user import Role
from abaco.errors import Conflict, NotFound
from abaco.store.sql import SqlStore


def an_alias(alias_id: str = "alias1", name: str = "count", **changes: Any) -> Alias:
    alias = Alias(alias_id, TENANT, name, "actor1", "ada", "https://abaco.test", NOW)
    return replace(alias, **changes)


def a_nonce(digest: str = "digest1", **changes: Any) -> Nonce:
    nonce = Nonce(
        digest=digest,
        sealed="sealed",
        tenant=TENANT,
        actor_id="actor1",
        alias_id=None,
        alias=None,
        owner="ada",
        roles=frozenset({Role.USER, Role.ADMIN}),
        api_server="https://abaco.test",
        level=Level.READ,
        max_uses=2,
        current_uses=0,
        description="",
        created_at=NOW,
    )
    return replace(nonce, **changes)


def test_an_alias_is_found_with_its_callers_level(store: SqlStore) -> None:
    add_actor(store)
    store.aliases.add(an_alias())
    levels = [store.aliases.find(TENANT, "count", name) for name in ("ada", "bob")]
    assert [(found.alias, found.level) for found in levels if found] == [
        (an_alias(), Level.UPDATE),
        (an_alias(), Level.NONE),
    ]
    assert store.aliases.find("OTHER", "count", "ada") is None
    assert store.aliases.find(TENANT, "Count", "ada") is None


def test_an_actor_is_found_by_its_alias_in_its_tenant(store: SqlStore) -> None:
    add_actor(store)
    store.aliases.add(an_alias())
    found = store.actors.find(TENANT, "count", "ada")
    assert found is not None
    assert (found.actor.id, found.level) == ("actor1", Level.UPDATE)
    assert store.actors.find("OTHER", "count", "ada") is None


def test_names_are_unique_in_a_tenant(store: SqlStore) -> None:
    add_actor(store)
    store.aliases.add(an_alias())
    with pytest.raises(Conflict, match="already exists"):
        store.aliases.add(an_alias("alias2"))
    store.aliases.add(an_alias("alias3", tenant="OTHER"))


def test_no_alias_of_an_actor_that_is_gone(store: SqlStore) -> None:
    add_actor(store)
    store.actors.begin_delete(TENANT, "actor1", NOW)
    with pytest.raises(NotFound):
        store.aliases.add(an_alias())
    with pytest.raises(NotFound):
        store.nonces.add(a_nonce())


def test_listing_goes_by_entries(store: SqlStore) -> None:
    add_actor(store)
    for number, level in enumerate(Level):
        store.aliases.add(an_alias(f"alias{number}", f"name{number}"))
        store.permissions.grant(f"alias{number}", "bob", level)
    store.permissions.grant("alias0", WORLD, Level.READ)
    visible = {name: [alias.alias for alias in store.aliases.list_visible(TENANT, name)] for name in ("bob", "eve")}
    assert visible == {"bob": ["name1", "name2", "name3"], "eve": ["name0"]}


def test_retargeting_and_removing(store: SqlStore) -> None:
    add_actor(store)
    add_actor(store, "actor2")
    store.aliases.add(an_alias())
    store.nonces.add(a_nonce(actor_id=None, alias_id="alias1", alias="count"))
    assert store.aliases.retarget(an_alias(), "actor2", "bob").actor_id == "actor2"
    assert store.permissions.entries("alias1") == {"ada": Level.UPDATE, "bob": Level.UPDATE}
    with pytest.raises(NotFound):
        store.aliases.retarget(an_alias(), "actor3", "ada")
    store.aliases.remove("alias1")
    assert store.nonces.find("digest1") is None
    assert store.permissions.entries("alias1") == {}
    with pytest.raises(NotFound):
        store.aliases.retarget(an_alias(), "actor2", "ada")
    with pytest.raises(NotFound):
        store.nonces.add(a_nonce(actor_id=None, alias_id="alias1", alias="count"))


def test_deleting_an_actor_takes_what_is_shared_of_it(store: SqlStore) -> None:
    add_actor(store)
    store.aliases.add(an_alias())
    store.nonces.add(a_nonce())
    store.nonces.add(a_nonce("digest2", actor_id=None, alias_id="alias1", alias="count"))
    store.actors.begin_delete(TENANT, "actor1", NOW)
    assert store.aliases.find(TENANT, "count", "ada") is None
    assert [store.nonces.find(digest) for digest in ("digest1", "digest2")] == [None, None]
    assert store.permissions.entries("alias1") == {}


def test_a_nonce_comes_back_as_it_was(store: SqlStore) -> None:
    add_actor(store)
    store.aliases.add(an_alias())
    own, of_alias = a_nonce(), a_nonce("digest2", actor_id=None, alias_id="alias1", alias="count")
    store.nonces.add(own)
    store.nonces.add(of_alias)
    assert store.nonces.find("digest1") == own
    assert store.nonces.of_holder("actor1", None) == [own]
    assert store.nonces.of_holder("actor1", "alias1") == [of_alias]
    store.nonces.remove("digest1")
    assert store.nonces.find("digest1") is None


def test_uses_are_counted_to_the_last(store: SqlStore) -> None:
    add_actor(store)
    store.nonces.add(a_nonce())
    assert [store.nonces.use("digest1", later(seconds=n)) for n in (1, 2, 3)] == [True, True, False]
    used = store.nonces.find("digest1")
    assert used is not None
    assert (used.current_uses, used.last_used_at) == (2, later(seconds=2))
    assert not store.nonces.use("nosuch", NOW)
