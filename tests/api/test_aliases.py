"""Aliases: names of actors, usable wherever an id is."""

from urllib.parse import quote

import pytest

from .test_permissions import grant
from .world import World

ALIASES = "/actors/v2/aliases"


def alias_of(world: World, actor: str, name: str = "my.counter-1", user: str = "ada") -> str:
    """Name an actor; the path of the alias."""
    world.post(ALIASES, user, json={"alias": name, "actorId": actor.rpartition("/")[2]})
    return f"{ALIASES}/{name}"


def test_an_alias_is_shown_with_links_to_its_actor(world: World) -> None:
    actor = world.actor()
    actor_id = actor.rpartition("/")[2]
    shown = world.get(alias_of(world, actor, "dots.in.my.name.alias"))
    assert shown == {
        "alias": "dots.in.my.name.alias",
        "actorId": actor_id,
        "owner": "ada",
        "_links": {
            "self": "https://abaco.test/actors/v2/aliases/dots.in.my.name.alias",
            "owner": "https://abaco.test/profiles/v2/ada",
            "actor": f"https://abaco.test/actors/v2/{actor_id}",
        },
    }
    assert world.get(ALIASES) == [shown]
    snake = world.get("/v3/actors/aliases")
    assert snake[0]["actor_id"] == actor_id


def test_an_alias_stands_for_its_actor_everywhere(world: World) -> None:
    actor = world.actor(stateless=False)
    alias_of(world, actor, "count")
    by_name = "/actors/v2/count"
    assert world.get(by_name) == world.get(actor)
    assert actor.rpartition("/")[2] in world.get(by_name)["_links"]["self"]
    posted = world.post(f"{by_name}/messages", json={"message": "hi"})
    assert actor in posted["_links"]["messages"]
    execution = posted["executionId"]
    assert world.get(f"{by_name}/executions/{execution}")["actorId"] == actor.rpartition("/")[2]
    assert world.get(f"{by_name}/executions")["totalExecutions"] == 1
    assert world.get(f"{by_name}/messages")["messages"] == 1
    world.post(f"{by_name}/state", json={"a": 1})
    assert world.get(f"{by_name}/state") == {"state": {"a": 1}}
    assert world.get(f"{by_name}/executions/{execution}/logs")["logs"] == ""


@pytest.mark.parametrize(
    "name",
    ["", "a b", "a/b", "a?b", 'a"b', "a\\b", "a,b", "a@b", "a\n", "..", "admin", "aliases", "V2", "a" * 13, "x" * 300],
)
def test_bad_names_are_refused(world: World, name: str) -> None:
    actor_id = world.actor().rpartition("/")[2]
    world.refuse("POST", ALIASES, json={"alias": name, "actor_id": actor_id}, saying="alias")


@pytest.mark.parametrize("name", ["myadmin", "a.b", "a-b_c~d", "größe", "%", "a%20b", "x"])
def test_other_names_are_taken(world: World, name: str) -> None:
    actor_id = world.actor().rpartition("/")[2]
    made = world.post(ALIASES, json={"alias": name, "actor_id": actor_id})
    assert made["alias"] == name
    assert world.get(made["_links"]["self"].removeprefix("https://abaco.test")) == made
    nonce = world.post(f"{ALIASES}/{quote(name)}/nonces", json={"level": "READ"})
    assert world.get(nonce["_links"]["self"].removeprefix("https://abaco.test"))["alias"] == name


def test_a_name_is_taken_once_in_a_tenant(world: World) -> None:
    actor = world.actor()
    alias_of(world, actor, "one")
    body = {"alias": "one", "actorId": world.actor("bob").rpartition("/")[2]}
    world.refuse("POST", ALIASES, "bob", json=body, saying="already exists")
    other = world.actor("eve@OTHER")
    assert alias_of(world, other, "one", "eve@OTHER")
    assert world.get("/actors/v2/one", "eve@OTHER")["id"] == other.rpartition("/")[2]


def test_the_actor_must_be_one_the_caller_may_update(world: World) -> None:
    actor = world.actor()
    actor_id = actor.rpartition("/")[2]
    world.refuse("POST", ALIASES, json={"alias": "x"}, saying="actorId")
    world.refuse("POST", ALIASES, json={"alias": "x", "actorId": "nosuchactor00"}, status=404)
    world.refuse("POST", ALIASES, "bob", json={"alias": "x", "actorId": actor_id}, saying="you do not have access")
    world.refuse("POST", ALIASES, "eve@OTHER", json={"alias": "x", "actorId": actor_id}, status=404)
    alias_of(world, actor, "first")
    world.refuse("POST", ALIASES, json={"alias": "x", "actorId": "first"}, status=404)
    assert alias_of(world, actor, "by-admin", "adm")


def test_permissions_on_an_alias_are_its_own(world: World) -> None:
    actor = world.actor()
    alias = alias_of(world, actor, "count")
    world.refuse("GET", alias, "bob", saying="you do not have access to this alias")
    assert grant(world, alias, "bob", "UPDATE") == {"ada": "UPDATE", "bob": "UPDATE"}
    assert world.get(f"{alias}/permissions", "bob")["bob"] == "UPDATE"
    assert [one["alias"] for one in world.get(ALIASES, "bob")] == ["count"]
    world.refuse(
        "POST", "/actors/v2/count/messages", "bob", json={"message": "x"}, saying="you do not have access to this actor"
    )
    assert world.get(ALIASES, "lim") == []


def test_retargeting(world: World) -> None:
    alias = alias_of(world, world.actor(), "count")
    mine, bobs = world.actor(), world.actor("bob")
    world.refuse("PUT", alias, json={"actorId": mine.rpartition("/")[2], "alias": "other"}, saying="alias")
    world.refuse("PUT", alias, json={}, saying="actorId")
    world.refuse("PUT", alias, json={"actorId": "nosuchactor00"}, status=404)
    world.refuse(
        "PUT",
        alias,
        json={"actorId": bobs.rpartition("/")[2]},
        saying="you do not have UPDATE access to the actor you want to associate with this alias",
    )
    assert world.put(alias, json={"actorId": mine.rpartition("/")[2]})["actorId"] == mine.rpartition("/")[2]
    grant(world, alias, "bob", "READ")
    world.refuse("PUT", alias, "bob", json={"actorId": bobs.rpartition("/")[2]}, saying="access to this alias")
    changed = world.put(alias, "adm", json={"actorId": bobs.rpartition("/")[2]})
    assert changed["owner"] == "ada"
    assert world.get(f"{alias}/permissions", "adm")["adm"] == "UPDATE"
    assert world.get("/actors/v2/count", "bob")["id"] == bobs.rpartition("/")[2]


def test_deleting_an_alias_takes_its_permissions_and_nonces(world: World) -> None:
    actor = world.actor()
    alias = alias_of(world, actor, "count")
    grant(world, alias, "bob", "UPDATE")
    nonce = world.post(f"{alias}/nonces", json={"level": "READ"})["id"]
    response = world.send("DELETE", alias)
    assert response.json()["message"] == "Alias count deleted successfully."
    world.refuse("GET", alias, status=404)
    world.refuse("GET", "/actors/v2/count", status=404)
    alias_of(world, actor, "count")
    assert world.get(f"{alias}/permissions") == {"ada": "UPDATE"}
    assert world.http.send("GET", f"/actors/v2/count?x-nonce={nonce}").status_code == 400


def test_deleting_an_actor_takes_its_aliases(world: World) -> None:
    actor = world.actor()
    alias = alias_of(world, actor, "count")
    world.send("DELETE", actor)
    world.refuse("GET", alias, status=404)
    world.refuse("GET", "/actors/v2/count", status=404)
    assert [world.count(table) for table in ("aliases", "nonces")] == [0, 0]


@pytest.mark.parametrize(("method", "path"), [("PUT", ALIASES), ("DELETE", ALIASES), ("POST", f"{ALIASES}/x")])
def test_methods_that_are_not_there(world: World, method: str, path: str) -> None:
    world.refuse(method, path, status=405)
