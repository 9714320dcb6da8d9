"""Configs: values, some secret, for the executions of the actors they name."""

from typing import Any

import pytest

from .conftest import MakeWorld
from .test_aliases import alias_of
from .test_permissions import grant
from .world import World

CONFIGS = "/actors/v2/configs"


def body(actor: str, name: str = "database", **changes: Any) -> dict[str, Any]:
    given = {"name": name, "value": "db.example.org", "isSecret": False, "actors": actor.rpartition("/")[2]}
    return {**given, **changes}


def config_of(world: World, actor: str, name: str = "database", user: str = "ada", **changes: Any) -> str:
    """Make a config; the path of it."""
    world.post(CONFIGS, user, json=body(actor, name, **changes))
    return f"{CONFIGS}/{name}"


def test_a_config_is_shown_to_who_may_read_it(world: World) -> None:
    actor = world.actor()
    shown = world.get(config_of(world, actor))
    assert shown == body(actor)
    assert world.get(CONFIGS) == [shown]
    assert world.get(CONFIGS, "bob") == []
    world.refuse("GET", f"{CONFIGS}/database", "bob", saying="You do not have sufficient access to this actor config.")
    world.refuse("GET", f"{CONFIGS}/database", "eve@OTHER", status=404)
    assert world.get("/v3/actors/configs")[0]["is_secret"] is False


def test_forms_do_as_well(world: World) -> None:
    actor_id = world.actor().rpartition("/")[2]
    form = {"name": "c", "value": "v", "is_secret": "true", "actors": f" {actor_id} ", "image": "ignored"}
    made = world.post(CONFIGS, data=form)
    assert (made["isSecret"], made["actors"]) == (True, actor_id)


def test_actors_may_be_a_list_and_aliases(world: World) -> None:
    one, two = world.actor(), world.actor()
    alias_of(world, two, "second")
    named = [one.rpartition("/")[2], "second", one.rpartition("/")[2]]
    assert world.get(config_of(world, one, actors=named))["actors"] == f"{one.rpartition('/')[2]},second"


def test_a_secret_is_sealed_and_masked(world: World) -> None:
    path = config_of(world, world.actor(), value="hunter2", isSecret=True)
    assert world.get(path)["value"] == "********"
    assert "hunter2" not in repr(world.everything())
    assert "hunter2" not in repr(world.events)


def test_a_structured_value_is_its_python_literal(world: World) -> None:
    assert world.get(config_of(world, world.actor(), value={"k": 5}))["value"] == "{'k': 5}"


@pytest.mark.parametrize("missing", ["name", "value", "isSecret", "actors"])
def test_everything_is_required(world: World, missing: str) -> None:
    given = body(world.actor())
    del given[missing]
    world.refuse("POST", CONFIGS, json=given, saying=missing)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "a b"},
        {"name": "admin"},
        {"name": "a/b"},
        {"actors": " , "},
        {"actors": []},
        {"isSecret": "maybe"},
        {"value": "x" * 140_000},
        {"value": "a\0b"},
        {"actors": [f"a{n}" for n in range(1_001)]},
    ],
)
def test_bad_descriptions_are_refused(world: World, changes: dict[str, Any]) -> None:
    world.refuse("POST", CONFIGS, json=body(world.actor(), **changes))


def test_an_unknown_actor_is_told_before_a_taken_name(world: World) -> None:
    actor = world.actor()
    config_of(world, actor)
    world.refuse("POST", CONFIGS, json=body("/nosuchactor00"), status=404)
    world.refuse("POST", CONFIGS, json=body(actor), saying="already exists")
    assert config_of(world, world.actor("eve@OTHER"), user="eve@OTHER")


def test_its_actors_must_be_the_authors_to_update(world: World) -> None:
    actor = world.actor()
    world.refuse("POST", CONFIGS, "lim", json=body(actor), saying="UPDATE")
    grant(world, actor, "lim", "UPDATE")
    path = config_of(world, actor, user="lim")
    world.refuse("PUT", path, "lim", json=body(world.actor()), saying="UPDATE")
    assert config_of(world, actor, "by-admin", "adm")


def test_a_server_may_not_ask_whose_the_actors_are(make_world: MakeWorld) -> None:
    world = make_world(config_actor_permission_check=False)
    assert config_of(world, world.actor(), user="lim")


def test_updating(world: World) -> None:
    actor, other = world.actor(), world.actor()
    path = config_of(world, actor, value="hunter2", isSecret=True)
    sealed = world.everything()["configs"]
    kept = world.put(path, json=body(other, "ignored", value="********", isSecret=True))
    assert kept == body(other, value="********", isSecret=True)
    assert world.everything()["configs"] == sealed
    world.refuse("PUT", path, json=body(actor, value="********"), saying="value")
    assert world.put(path, json=body(actor, value="open"))["value"] == "open"
    world.refuse("PUT", path, json={"value": "x"}, saying="isSecret")
    world.refuse("PUT", path, "lim", json=body(actor), saying="sufficient access")
    grant(world, path, "bob", "UPDATE")
    grant(world, actor, "bob", "UPDATE")
    assert world.put(path, "bob", json=body(actor, value="bob's"))["value"] == "bob's"


def test_who_may_update_a_secret_does_not_get_to_know_it(world: World) -> None:
    """Sent back masked to an actor of theirs, it would be in that actor's environment."""
    actor, bobs = world.actor(), world.actor("bob")
    path = config_of(world, actor, value="hunter2", isSecret=True)
    grant(world, path, "bob", "UPDATE")
    grant(world, actor, "bob", "UPDATE")
    masked = body(bobs, value="********", isSecret=True)
    world.refuse("PUT", path, "bob", json=masked, saying="only the owner has a secret reach")
    kept = body(actor, value="********", isSecret=True)
    assert world.put(path, "bob", json=kept) == kept
    given = body(bobs, value="bob's own", isSecret=True)
    assert world.put(path, "bob", json=given)["actors"] == bobs.rpartition("/")[2]


def test_deleting_takes_the_permissions(world: World) -> None:
    actor = world.actor()
    path = config_of(world, actor)
    grant(world, path, "bob", "READ")
    world.refuse("DELETE", path, "bob")
    assert world.send("DELETE", path).json()["message"] == "Actor config database deleted successfully."
    world.refuse("GET", path, status=404)
    config_of(world, actor)
    assert world.get(f"{path}/permissions") == {"ada": "UPDATE"}


def test_what_is_deleted_is_named_no_more(world: World) -> None:
    """Or a later alias of that name would get the values."""
    actor, other = world.actor(), world.actor()
    alias_of(world, other, "second")
    path = config_of(world, actor, actors=[actor.rpartition("/")[2], "second"])
    world.send("DELETE", "/actors/v2/aliases/second")
    assert world.get(path)["actors"] == actor.rpartition("/")[2]
    world.send("DELETE", actor)
    assert world.get(path)["actors"] == ""


@pytest.mark.parametrize(("method", "path"), [("PUT", CONFIGS), ("DELETE", CONFIGS), ("POST", f"{CONFIGS}/x")])
def test_methods_that_are_not_there(world: World, method: str, path: str) -> None:
    world.refuse(method, path, status=405)
