"""Configs."""

from dataclasses import replace
from typing import Any

import pytest
from store.scene import NOW, TENANT, add_actor

from abaco.domain.alias import Alias
from abaco.domain.config import Config
from abaco.domain.permission import Level
from abaco.errors import Conflict, NotFound
from abaco.ports import ConfigValue
from abaco.store.sql import SqlStore


def a_config(config_id: str = "c1", name: str = "database", **changes: Any) -> Config:
    return replace(Config(config_id, TENANT, name, "value", False, ("actor1", "count"), "ada", NOW), **changes)


def test_a_config_comes_back_as_it_was(store: SqlStore) -> None:
    store.configs.add(a_config())
    found = store.configs.find(TENANT, "database", "ada")
    assert found is not None
    assert (found.config, found.level) == (a_config(), Level.UPDATE)
    assert store.configs.find("OTHER", "database", "ada") is None
    assert store.configs.list_visible(TENANT, "ada") == [a_config()]
    assert store.configs.list_visible(TENANT, "bob") == []


def test_names_are_unique_in_a_tenant(store: SqlStore) -> None:
    store.configs.add(a_config())
    with pytest.raises(Conflict, match="already exists"):
        store.configs.add(a_config("c2"))
    store.configs.add(a_config("c3", tenant="OTHER"))


def test_a_new_alias_gets_nothing_that_was_meant_for_a_former_one(store: SqlStore) -> None:
    """P6: also if the config was made while that one was deleted."""
    add_actor(store, "actor2")
    store.configs.add(a_config(is_secret=True, actors=("count",)))
    store.aliases.add(Alias("alias1", TENANT, "count", "actor2", "ada", "", NOW))
    assert store.configs.of_actors(["actor2"]) == {}


def test_replacing_and_removing(store: SqlStore) -> None:
    store.configs.add(a_config())
    changed = a_config(value="other", is_secret=True, actors=("actor2",))
    store.configs.replace(changed)
    assert store.configs.list_visible(TENANT, "ada") == [changed]
    store.configs.remove("c1")
    assert store.configs.list_visible(TENANT, "ada") == []
    assert store.permissions.entries("c1") == {}
    with pytest.raises(NotFound):
        store.configs.replace(changed)


def test_actors_get_what_names_them_or_their_aliases(store: SqlStore) -> None:
    for number in (1, 2, 3):
        add_actor(store, f"actor{number}")
    store.aliases.add(Alias("alias1", TENANT, "count", "actor2", "ada", "", NOW))
    store.configs.add(a_config("c1", "both", actors=("actor1", "count", "actor2")))
    store.configs.add(a_config("c2", "secret", is_secret=True, actors=("count",)))
    store.configs.add(a_config("c3", "elsewhere", tenant="OTHER", actors=("actor1", "count")))
    both, secret = ConfigValue("both", "value", False), ConfigValue("secret", "value", True)
    assert store.configs.of_actors(["actor1", "actor2", "actor3"]) == {"actor1": [both], "actor2": [both, secret]}
    assert store.configs.of_actors([]) == {}


def test_resealing_what_is_still_the_same(store: SqlStore) -> None:
    store.configs.add(a_config("c1", "open"))
    store.configs.add(a_config("c2", "secret", is_secret=True))
    assert store.configs.sealed() == [("c2", "value")]
    assert not store.configs.reseal("c2", "other", "anew")
    assert not store.configs.reseal("c1", "value", "anew")
    assert store.configs.reseal("c2", "value", "anew")
    assert store.configs.sealed() == [("c2", "anew")]
