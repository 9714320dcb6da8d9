"""Registering, reading, updating and deleting actors."""

import re
from dataclasses import replace
from functools import partial
from typing import Any

import anyio
import pytest

from abaco.domain.lifecycle import ActorStatus
from abaco.domain.permission import Level

from .world import World

IMAGE = "abacosamples/test"
DENIED = "you do not have access to this actor"


def id_of(actor: str) -> str:
    return actor.rpartition("/")[2]


def test_registering_answers_the_actor(world: World) -> None:
    response = world.send("POST", "/actors/v2", json={"image": IMAGE})
    assert response.json()["message"] == "Actor created successfully."
    actor = response.json()["result"]
    assert re.fullmatch("[A-Za-z0-9]{13}", actor["id"])
    assert actor["createTime"] == actor["lastUpdateTime"] == "2026-04-29T21:46:53.007Z"
    expected = {
        "image": IMAGE,
        "description": "",
        "type": "none",
        "owner": "ada",
        "defaultEnvironment": {},
        "stateless": True,
        "state": {},
        "hints": [],
        "token": "false",
        "privileged": False,
        "useContainerUid": False,
        "queue": "default",
        "revision": 1,
        "status": "SUBMITTED",
        "statusMessage": "",
    }
    assert {name: actor[name] for name in expected} == expected
    assert world.notifier.topics == [f"actor:{actor['id']}"]
    assert world.get(f"/actors/{actor['id']}") == actor


def test_registering_keeps_what_is_given(world: World) -> None:
    given = {
        "image": "registry.test:5000/team/wc:1.2@sha256:" + "0" * 64,
        "name": "counter",
        "description": "counts",
        "type": "json",
        "default_environment": {"A": 1, "B": None, "C": {"d": [1]}},
        "stateless": False,
        "state": {"n": 0},
        "hints": ["sync"],
        "token": True,
        "mem_limit": "512m",
        "max_cpus": 2_000_000_000,
        "log_ex": 16000,
        "queue": "default",
        "use_container_uid": True,
    }
    actor = world.post("/v3/actors", "pri", json=given)
    assert {name: actor[name] for name in given} == given


def test_listing_shows_what_one_may_read_in_order_of_registration(world: World) -> None:
    mine = [world.actor() for _ in range(3)]
    shared, everyones = world.actor("bob"), world.actor("bob")
    world.actor("bob")
    world.actor("eve@OTHER")
    world.store.permissions.grant(id_of(shared), "ada", Level.READ)
    world.store.permissions.grant(id_of(everyones), "ABACO_WORLD", Level.READ)
    listed = [actor["id"] for actor in world.get("/actors")]
    assert listed == [id_of(actor) for actor in (*mine, shared, everyones)]
    assert [actor["id"] for actor in world.get("/actors", "adm")] == [id_of(everyones)]


REFUSED_DESCRIPTIONS: list[tuple[dict[str, Any], str]] = [
    ({}, "image is required"),
    ({"image": ""}, "image is required"),
    ({"image": None}, "image is required"),
    ({"image": "no such image!"}, "image"),
    ({"image": ["a"]}, "image"),
    ({"image": "a" * 513}, "image"),
    ({"image": IMAGE, "name": "n" * 10_000}, "at most"),
    ({"image": IMAGE, "name": "a\0b"}, "'name'"),
    ({"image": IMAGE, "description": "d" * 16_385}, "description"),
    ({"image": IMAGE, "stateless": False, "maxWorkers": 2}, "stateful actors can only have 1 worker"),
    ({"image": IMAGE, "maxWorkers": 0}, "at least 1"),
    ({"image": IMAGE, "memLimit": "lots"}, "512m"),
    ({"image": IMAGE, "memLimit": "5m"}, "at least 6m"),
    ({"image": IMAGE, "maxCpus": 1}, "nano-CPUs"),
    ({"image": IMAGE, "logEx": 0}, "at least 1"),
    ({"image": IMAGE, "queue": "special"}, "default"),
    ({"image": IMAGE, "hints": ["a", '{"b"}']}, "hints"),
    ({"image": IMAGE, "privileged": True}, "privileged"),
    ({"image": IMAGE, "state": {"n": 1}}, "stateless=false"),
    ({"image": IMAGE, "stateless": False, "state": {"n": "x" * 131_072}}, "state takes"),
    ({"image": IMAGE, "defaultEnvironment": {"A=B": "1"}}, "A=B"),
    ({"image": IMAGE, "defaultEnvironment": {"": "1"}}, "may not be empty"),
    ({"image": IMAGE, "defaultEnvironment": {"A": "a\0b"}}, "NUL"),
    ({"image": IMAGE, "defaultEnvironment": {"A": "x" * 131_072}}, "131071"),
    ({"image": IMAGE, "defaultEnvironment": {f"A{n}": "x" * 100_000 for n in range(20)}}, "in all"),
]


@pytest.mark.parametrize(("description", "saying"), REFUSED_DESCRIPTIONS)
def test_a_wrong_description_registers_and_updates_nothing(
    world: World, description: dict[str, Any], saying: str
) -> None:
    world.refuse("POST", "/actors", "adm", json=description, saying=saying)
    if "state" not in description:
        stateful = world.actor("adm", stateless=False)
        world.refuse("PUT", stateful, "adm", json=description, saying=saying)


RESTRICTED: list[tuple[str, Any]] = [
    ("useContainerUid", True),
    ("queue", "default"),
    ("maxWorkers", 3),
    ("memLimit", "3g"),
    ("maxCpus", 3_000_000_000),
]


@pytest.mark.parametrize(("name", "value"), RESTRICTED)
def test_restricted_attributes_take_a_role(world: World, name: str, value: object) -> None:
    described = {"image": IMAGE, name: value}
    for user in ("ada", "lim"):
        actor = world.actor(user)
        world.refuse("POST", "/actors", user, json=described, saying="Not authorized")
        world.refuse("POST", f"/actors?{name}={value}", user, json={"image": IMAGE}, saying="Not authorized")
        if value != world.get(actor, user).get(name):
            world.refuse("PUT", actor, user, json=described, saying="Not authorized")
    for user in ("pri", "adm"):
        assert world.post("/actors", user, json=described)[name] == value


@pytest.mark.parametrize(("name", "value"), RESTRICTED)
def test_a_restricted_attribute_may_be_left_as_it_is(world: World, name: str, value: object) -> None:
    actor = world.actor("pri", **{name: value})
    world.store.permissions.grant(id_of(actor), "lim", Level.UPDATE)
    kept = world.put(actor, "lim", json={"image": IMAGE, "description": "new", name: value})
    assert (kept[name], kept["description"]) == (value, "new")


def test_a_form_may_say_that_nothing_is_restricted(world: World) -> None:
    form = {"image": IMAGE, "privileged": "false", "use_container_uid": "false"}
    assert world.post("/actors", "lim", data=form)["privileged"] is False


class TestUpdating:
    def test_resets_what_is_left_out_but_not_name_state_statelessness_and_owner(self, world: World) -> None:
        actor = world.actor(
            "pri",
            name="mine",
            stateless=False,
            state={"n": 1},
            description="d",
            type="json",
            hints=["a"],
            token=True,
            default_environment={"A": "1"},
            mem_limit="1g",
            max_cpus=10_000_000,
            log_ex=5,
            use_container_uid=True,
        )
        world.clock.advance(seconds=1)
        updated = world.put(actor.replace("/actors/v2", "/v3/actors"), "adm", json={"image": IMAGE, "name": "other"})
        assert (updated["name"], updated["state"], updated["stateless"]) == ("mine", {"n": 1}, False)
        assert updated["owner"] == "pri"
        assert updated["create_time"] == "2026-04-29T21:46:53.007Z"
        assert updated["last_update_time"] == "2026-04-29T21:46:54.007Z"
        bare = world.get(world.actor("pri", stateless=False).replace("/actors/v2", "/v3/actors"), "pri")
        reset = ("description", "type", "hints", "token", "default_environment", "mem_limit", "max_cpus", "log_ex")
        assert {name: updated[name] for name in reset} == {name: bare[name] for name in reset}

    def test_with_the_same_image_keeps_status_and_revision(self, world: World) -> None:
        actor = world.actor()
        assert world.store.actors.mark_ready(id_of(actor), 1, world.clock.now())
        updated = world.put(actor, json={"image": IMAGE, "description": "new"})
        assert (updated["status"], updated["revision"]) == ("READY", 1)

    @pytest.mark.parametrize("described", [{"image": "other"}, {"image": IMAGE, "force": True}])
    def test_with_another_image_or_force_starts_a_new_revision(self, world: World, described: dict[str, Any]) -> None:
        actor = world.actor()
        assert world.store.actors.mark_error(id_of(actor), 1, "no such image", world.clock.now())
        assert world.get(actor)["statusMessage"] == "no such image"
        updated = world.put(actor, json=described)
        assert (updated["status"], updated["statusMessage"], updated["revision"]) == ("SUBMITTED", "", 2)
        assert world.notifier.topics == [f"actor:{id_of(actor)}"] * 2

    @pytest.mark.parametrize(("force", "revision"), [("false", 1), ("0", 1), ("true", 2)])
    def test_force_is_a_boolean_in_forms_too(self, world: World, force: str, revision: int) -> None:
        assert world.put(world.actor(), data={"image": IMAGE, "force": force})["revision"] == revision

    def test_may_make_an_actor_stateful_but_not_stateless_again(self, world: World) -> None:
        actor = world.actor()
        assert world.put(actor, json={"image": IMAGE, "stateless": False})["stateless"] is False
        world.refuse("PUT", actor, json={"image": IMAGE, "stateless": True}, saying="cannot become stateless")

    def test_with_what_was_read_changes_nothing(self, world: World) -> None:
        actor = world.actor(stateless=False, name="mine", state={"n": 1}, hints=["a"], log_ex=5)
        world.post(f"{actor}/state", json="a text")
        for path in (actor, actor.replace("/actors/v2", "/v3/actors")):
            read = world.get(path)
            assert world.put(path, json=read) == {**read, "token": False}

    def test_by_another_user_adds_an_entry_for_them(self, world: World) -> None:
        actor = world.actor()
        world.put(actor, "adm", json={"image": IMAGE})
        assert world.store.permissions.entries(id_of(actor)) == {"ada": Level.UPDATE, "adm": Level.UPDATE}


class TestPermissions:
    ENDPOINTS = (
        ("GET", "", Level.READ),
        ("PUT", "", Level.UPDATE),
        ("DELETE", "", Level.UPDATE),
        ("GET", "/state", Level.READ),
        ("POST", "/state", Level.UPDATE),
        ("GET", "/messages", Level.READ),
        ("POST", "/messages", Level.EXECUTE),
        ("DELETE", "/messages", Level.UPDATE),
        ("GET", "/executions", Level.READ),
        ("GET", "/executions/EID", Level.READ),
        ("DELETE", "/executions/EID", Level.UPDATE),
        ("GET", "/executions/EID/logs", Level.READ),
        ("GET", "/executions/EID/results", Level.READ),
    )

    @pytest.mark.parametrize(("method", "path", "level"), ENDPOINTS)
    def test_a_lower_level_is_denied_and_the_level_suffices(
        self, world: World, method: str, path: str, level: Level
    ) -> None:
        actor = world.actor(stateless=False)
        execution = world.message(actor)
        world.claim(actor)
        path = actor + path.replace("EID", id_of(execution))
        world.refuse(method, path, "bob", json={"image": IMAGE}, saying=DENIED)
        world.store.permissions.grant(id_of(actor), "bob", Level(level - 1))
        denied = world.refuse(method, path, "bob", json={"image": IMAGE}, saying=DENIED)
        assert denied.headers["x-abaco-error-code"] == "not_permitted"
        world.store.permissions.grant(id_of(actor), "bob", level)
        allowed = partial(world.send, method, path, "bob", json={"image": IMAGE})
        if (method, path) == ("DELETE", actor):
            world.store.claims.reclaim("engine1", world.clock.now(), 5)
        assert allowed().status_code == 200

    @pytest.mark.parametrize(("method", "path", "_level"), ENDPOINTS)
    def test_another_tenants_actor_is_not_found(self, world: World, method: str, path: str, _level: Level) -> None:
        actor = world.actor(stateless=False)
        execution = world.message(actor)
        path = actor + path.replace("EID", id_of(execution))
        for user in ("eve@OTHER", "ada@OTHER"):
            world.refuse(method, path, user, json={"image": IMAGE}, status=404, saying="No actor found")

    @pytest.mark.parametrize("name", ["unknown", "x" * 10_000, "%00", "a%00b", "%ff", "%ed%a0%80", "'; DROP", "%25s"])
    def test_an_unknown_actor_is_not_found(self, world: World, name: str) -> None:
        for method, path, _ in self.ENDPOINTS:
            unknown = f"/actors/v2/{name}{path}"
            world.refuse(method, unknown, json={"image": IMAGE}, status=404, saying="No actor found with identifier")

    def test_an_admin_may_do_all_in_their_tenant(self, world: World) -> None:
        actor = world.actor()
        world.get(actor, "adm")
        world.post(f"{actor}/messages", "adm", json="hi")
        assert world.send("DELETE", actor, "adm").status_code == 200


class TestDeleting:
    def test_hides_the_actor_at_once(self, world: World) -> None:
        actor = world.actor()
        execution = world.message(actor)
        response = world.send("DELETE", actor)
        assert (response.json()["message"], response.json()["result"]) == ("Actor deleted successfully.", None)
        for path in (actor, f"{actor}/messages", execution, f"{execution}/logs"):
            world.refuse("GET", path, status=404)
        world.refuse("POST", f"{actor}/messages", json="hi", status=404)
        world.refuse("DELETE", actor, status=404)
        assert world.get("/actors") == []
        assert world.count("messages") == 0

    def test_waits_for_the_running_execution_to_be_killed(self, world: World) -> None:
        actor = world.actor()
        world.message(actor)
        claim = world.claim(actor)

        async def delete() -> str:
            answers: list[str] = []

            async def send() -> None:
                response = await world.http.send_async(**world.call("DELETE", actor))
                answers.append(response.json()["message"])

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(send)
                while not world.store.executions.halts("engine1"):
                    await anyio.lowlevel.checkpoint()
                assert answers == []
                await anyio.to_thread.run_sync(world.close, claim)
            return answers[0]

        assert world.http.portal.call(delete) == "Actor deleted successfully."

    def test_says_so_when_the_engine_is_late(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("abaco.api.actors._DELETE_WAIT_SECONDS", 0.05)
        actor = world.actor()
        world.message(actor)
        world.claim(actor)
        assert "still being cleaned up" in world.send("DELETE", actor).json()["message"]
        world.refuse("GET", actor, status=404)


def test_the_statuses_of_an_actor_are_shown(world: World) -> None:
    actor = world.actor()
    assert world.store.actors.mark_ready(id_of(actor), 1, world.clock.now())
    assert world.get(actor)["status"] == ActorStatus.READY


def test_the_owners_ids_are_shown_as_texts(world: World) -> None:
    ada = world.store.users.find("DEV", "ada")
    assert ada is not None
    world.store.users.put(replace(ada, uid=1000, gid=0), "hash")
    shown = world.get(world.actor())
    assert (shown["uid"], shown["gid"]) == ("1000", "0")


def test_the_owners_ids_are_looked_up_with_every_update(world: World) -> None:
    """Whoever makes it."""
    actor = world.actor()
    ada = world.store.users.find("DEV", "ada")
    assert ada is not None
    world.store.users.put(replace(ada, uid=1000, gid=0), "hash")
    shown = world.put(actor, "adm", json={"image": "abacosamples/test"})
    assert (shown["uid"], shown["gid"]) == ("1000", "0")
