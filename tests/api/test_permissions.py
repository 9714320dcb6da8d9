"""Permissions of actors: who gives them, what they open."""

import pytest

from .world import World


def grant(world: World, actor: str, user: str, level: str, by: str = "ada") -> dict[str, str]:
    entries: dict[str, str] = world.post(f"{actor}/permissions", by, json={"user": user, "level": level})
    return entries


def test_the_owner_has_update(world: World) -> None:
    assert world.get(f"{world.actor()}/permissions") == {"ada": "UPDATE"}


def test_a_grant_answers_with_all_entries_and_replaces(world: World) -> None:
    actor = world.actor()
    assert grant(world, actor, "bob", "READ") == {"ada": "UPDATE", "bob": "READ"}
    assert grant(world, actor, "bob", "NONE") == {"ada": "UPDATE", "bob": "NONE"}
    assert world.get(f"{actor}/permissions") == {"ada": "UPDATE", "bob": "NONE"}


def test_forms_do_as_well(world: World) -> None:
    actor = world.actor()
    assert world.post(f"{actor}/permissions", data={"user": "bob", "level": "EXECUTE"})["bob"] == "EXECUTE"


@pytest.mark.parametrize(
    ("body", "saying"),
    [
        ({"level": "READ"}, "user"),
        ({"user": "bob"}, "level"),
        ({"user": "bob", "level": "read"}, "level"),
        ({"user": "bob", "level": "WRITE"}, "level"),
        ({"user": "no such name!", "level": "READ"}, "user"),
        ({"user": "", "level": "READ"}, "user"),
        ({}, "user"),
    ],
)
def test_bad_grants_change_nothing(world: World, body: dict[str, str], saying: str) -> None:
    world.refuse("POST", f"{world.actor()}/permissions", json=body, saying=saying)


def test_each_level_opens_what_it_should(world: World) -> None:
    actor = world.actor()
    for level, opens in (("NONE", 0), ("READ", 1), ("EXECUTE", 2), ("UPDATE", 3)):
        grant(world, actor, "bob", level)
        statuses = [
            world.send("GET", f"{actor}/permissions", "bob").status_code,
            world.send("POST", f"{actor}/messages", "bob", json={"message": "hi"}).status_code,
            world.send("PUT", actor, "bob", json={"image": "abacosamples/test"}).status_code,
        ]
        assert statuses == [200] * opens + [400] * (3 - opens), level


def test_the_world_is_every_user_of_the_tenant_at_its_level(world: World) -> None:
    actor = world.actor()
    grant(world, actor, "ABACO_WORLD", "READ")
    assert world.get(actor, "bob")["id"]
    world.refuse("POST", f"{actor}/messages", "bob", json={"message": "hi"}, saying="you do not have access")
    world.refuse("GET", actor, "eve@OTHER", status=404)
    grant(world, actor, "bob", "NONE")
    world.refuse("GET", actor, "bob")
    assert [listed["id"] for listed in world.get("/actors", "lim")] == [actor.rpartition("/")[2]]
    assert world.get("/actors", "bob") == []


def test_an_update_by_another_gives_them_an_entry(world: World) -> None:
    actor = world.actor()
    world.put(actor, "adm", json={"image": "abacosamples/test"})
    assert world.get(f"{actor}/permissions") == {"ada": "UPDATE", "adm": "UPDATE"}
    assert len(grant(world, actor, "bob", "READ")) == 3
    assert world.get(actor)["owner"] == "ada"


def test_nobody_but_those_with_update_grants(world: World) -> None:
    actor = world.actor()
    grant(world, actor, "bob", "EXECUTE")
    world.refuse("POST", f"{actor}/permissions", "bob", json={"user": "bob", "level": "UPDATE"})
    world.refuse("POST", f"{actor}/permissions", "eve@OTHER", json={"user": "eve", "level": "READ"}, status=404)


def test_owners_may_lock_themselves_out(world: World) -> None:
    actor = world.actor()
    assert grant(world, actor, "ada", "READ") == {"ada": "READ"}
    world.refuse("POST", f"{actor}/permissions", json={"user": "ada", "level": "UPDATE"})
