"""Nonces: credentials for one actor or one alias."""

from threading import Barrier, Thread
from typing import Any

import httpx
import pytest

from abaco.domain.credentials import NonceUse
from abaco.domain.permission import Level
from abaco.errors import NotPermitted
from abaco.services.nonces import NonceRedeemer

from .asgi import result_of
from .conftest import MakeWorld
from .test_aliases import ALIASES, alias_of
from .test_permissions import grant
from .world import World


def make(world: World, holder: str, user: str = "ada", **description: Any) -> str:
    nonce: str = world.post(f"{holder}/nonces", user, json=description)["id"]
    return nonce


def with_nonce(world: World, method: str, path: str, nonce: str, **request: Any) -> httpx.Response:
    return world.http.send(method, f"{path}?x-nonce={nonce}", **request)


def test_a_nonce_is_shown_to_who_may_update(world: World) -> None:
    actor = world.actor()
    made = world.post(f"{actor}/nonces", json={"level": "READ", "maxUses": "3", "description": "for bob"})
    actor_id = actor.rpartition("/")[2]
    assert made["id"].startswith("DEV_")
    assert len(made["id"].rpartition("_")[2]) >= 32
    assert made == {
        "id": made["id"],
        "actorId": actor_id,
        "owner": "ada",
        "roles": ["user"],
        "apiServer": "https://abaco.test",
        "level": "READ",
        "maxUses": 3,
        "currentUses": 0,
        "remainingUses": 3,
        "description": "for bob",
        "createTime": "2026-04-29T21:46:53.007Z",
        "lastUseTime": "None",
        "_links": {
            "self": f"https://abaco.test{actor}/nonces/{made['id']}",
            "owner": "https://abaco.test/profiles/v2/ada",
            "actor": f"https://abaco.test{actor}",
        },
    }
    assert world.get(f"{actor}/nonces") == [made]
    assert world.get(f"{actor}/nonces/{made['id']}") == made
    grant(world, actor, "bob", "EXECUTE")
    world.refuse("GET", f"{actor}/nonces", "bob")
    world.refuse("GET", f"{actor}/nonces/{made['id']}", "bob")


def test_an_empty_post_makes_an_unlimited_execute_nonce(world: World) -> None:
    made = world.post(f"{world.actor()}/nonces")
    assert (made["level"], made["maxUses"], made["remainingUses"], made["description"]) == ("EXECUTE", -1, -1, "")


@pytest.mark.parametrize("body", [{"level": "WRITE"}, {"maxUses": 0}, {"maxUses": -2}, {"maxUses": "many"}])
def test_bad_descriptions_are_refused(world: World, body: dict[str, Any]) -> None:
    world.refuse("POST", f"{world.actor()}/nonces", json=body)


def test_the_database_does_not_hold_the_nonce(world: World) -> None:
    nonce = make(world, world.actor())
    assert nonce not in repr(world.everything())


def test_an_unlimited_nonce_counts_its_uses(world: World) -> None:
    actor = world.actor()
    nonce = make(world, actor)
    for path in (actor, f"{actor}/executions", f"{actor}/messages"):
        result_of(with_nonce(world, "GET", path, nonce))
    assert world.get(f"{actor}/nonces/{nonce}")["currentUses"] == 3
    world.clock.advance(seconds=5)
    result_of(with_nonce(world, "POST", f"{actor}/messages", nonce, json={"message": "hi"}))
    shown = world.get(f"{actor}/nonces/{nonce}")
    assert (shown["currentUses"], shown["remainingUses"]) == (4, -1)
    assert shown["lastUseTime"] == "2026-04-29T21:46:58.007Z"


def test_a_limited_read_nonce_is_used_up_by_reading_only(world: World) -> None:
    actor = world.actor()
    nonce = make(world, actor, level="READ", max_uses=3)
    result_of(with_nonce(world, "GET", actor, nonce))
    refused = with_nonce(world, "POST", f"{actor}/messages", nonce, json={"message": "hi"})
    world.require_refused(refused, 400, "Nonce does not have sufficient permissions level.")
    assert world.get(f"{actor}/nonces/{nonce}")["currentUses"] == 1
    for _ in range(2):
        result_of(with_nonce(world, "GET", actor, nonce))
    world.require_refused(with_nonce(world, "GET", actor, nonce), 400, "No remaining uses left for this nonce.")
    shown = world.get(f"{actor}/nonces/{nonce}")
    assert (shown["currentUses"], shown["remainingUses"]) == (3, 0)


def test_it_runs_as_its_owner(world: World) -> None:
    actor = world.actor()
    nonce = make(world, actor)
    posted = result_of(with_nonce(world, "POST", f"{actor}/messages", nonce, json={"message": "hi"}))
    assert world.get(f"{actor}/executions/{posted['executionId']}")["executor"] == "ada"
    assert nonce not in repr(world.everything())  # in particular, not in the environment
    assert nonce not in repr(world.events)


def test_containers_may_see_the_nonce_where_the_server_says_so(make_world: MakeWorld) -> None:
    world = make_world(nonce_in_environment=True)
    actor = world.actor()
    nonce = make(world, actor)
    result_of(with_nonce(world, "POST", f"{actor}/messages", nonce, json={"message": "hi"}))
    assert world.claim(actor).environment["x-nonce"] == nonce


def test_each_message_of_a_batch_is_a_use(either_world: World) -> None:
    world = either_world
    actor = world.actor()
    nonce, messages = make(world, actor, max_uses=4), [{"message": "hi"}] * 3
    result_of(with_nonce(world, "POST", f"{actor}/messages/batch", nonce, json=messages))
    assert world.get(f"{actor}/nonces/{nonce}")["remainingUses"] == 1
    refused = with_nonce(world, "POST", f"{actor}/messages/batch", make(world, actor, max_uses=2), json=messages)
    world.require_refused(refused, 400, "No remaining uses left for this nonce.")
    result_of(with_nonce(world, "POST", f"{actor}/messages/batch", nonce, json=messages[:1]))
    assert world.count("messages") == 4


def test_a_binary_message_is_one_use(world: World) -> None:
    actor = world.actor()
    nonce = make(world, actor, max_uses=1)
    body = {"content": b"data", "kind": "application/octet-stream"}
    result_of(with_nonce(world, "POST", f"{actor}/messages", nonce, **body))
    world.require_refused(with_nonce(world, "POST", f"{actor}/messages", nonce, **body), 400, "No remaining uses")


def test_the_header_does_as_well_and_a_token_comes_first(world: World) -> None:
    actor = world.actor()
    nonce = make(world, actor, max_uses=1)
    result_of(world.http.send("GET", f"{actor}?x-nonce={nonce}", token=world.tokens["ada"]))
    result_of(world.http.send("GET", actor, headers=[("X-Nonce", nonce)]))
    assert with_nonce(world, "GET", actor, nonce).status_code == 400


def test_a_bad_token_does_not_fall_back_to_the_nonce(world: World) -> None:
    actor = world.actor()
    nonce = make(world, actor)
    assert world.http.send("GET", f"{actor}?x-nonce={nonce}", token="bad").status_code == 401


def test_it_opens_nothing_but_its_actor(world: World) -> None:
    actor, other = world.actor(), world.actor()
    alias_of(world, actor, "count")
    nonce = make(world, actor, level="UPDATE")
    for path in (other, "/actors/v2/count", f"{ALIASES}/count"):
        world.require_refused(with_nonce(world, "GET", path, nonce), 400, "Nonce does not exist.")
    world.require_refused(with_nonce(world, "GET", "/actors", nonce), 400)
    world.require_refused(with_nonce(world, "POST", "/actors", nonce, json={"image": "x"}), 400)
    world.require_refused(with_nonce(world, "GET", "/actors/aliases", nonce), 404)
    world.require_refused(with_nonce(world, "GET", actor, "DEV_nosuch"), 400, "Nonce does not exist.")
    assert world.get(f"{actor}/nonces/{nonce}")["currentUses"] == 0


def test_an_alias_nonce_follows_its_alias(world: World) -> None:
    actor, other = world.actor(), world.actor()
    alias = alias_of(world, actor, "count")
    made = world.post(f"{alias}/nonces", json={"level": "EXECUTE"})
    assert "actorId" not in made
    assert made["alias"] == "count"
    assert made["_links"]["self"] == f"https://abaco.test{alias}/nonces/{made['id']}"
    assert made["_links"]["actor"] == f"https://abaco.test{actor}"
    assert result_of(with_nonce(world, "GET", "/actors/v2/count", made["id"]))["id"] == actor.rpartition("/")[2]
    assert result_of(with_nonce(world, "GET", alias, made["id"]))["alias"] == "count"
    world.require_refused(with_nonce(world, "GET", actor, made["id"]), 400, "Nonce does not exist.")
    world.put(alias, json={"actorId": other.rpartition("/")[2]})
    assert result_of(with_nonce(world, "GET", "/actors/v2/count", made["id"]))["id"] == other.rpartition("/")[2]
    assert [one["id"] for one in world.get(f"{alias}/nonces")] == [made["id"]]
    world.refuse("GET", f"{other}/nonces/{made['id']}", status=404, saying="Nonce not found.")
    world.send("DELETE", f"{alias}/nonces/{made['id']}")
    assert world.get(f"{alias}/nonces") == []


def test_alias_nonces_take_both_permissions_and_no_update_level(world: World) -> None:
    actor = world.actor()
    alias = alias_of(world, actor, "count")
    world.refuse("POST", f"{alias}/nonces", json={"level": "UPDATE"}, saying="UPDATE")
    denied = "you do not have access to this alias and actor"
    world.refuse("GET", f"{alias}/nonces", "bob", saying=denied)
    grant(world, alias, "bob", "UPDATE")
    world.refuse("POST", f"{alias}/nonces", "bob", json={}, saying=denied)
    grant(world, actor, "bob", "UPDATE")
    assert make(world, alias, "bob")


def test_a_nonce_carries_no_role_that_opens_more(world: World) -> None:
    actor, others = world.actor("adm"), world.actor("bob")
    nonce = make(world, actor, "adm", level="UPDATE")
    assert world.get(f"{actor}/nonces/{nonce}", "adm")["roles"] == ["admin"]
    assert with_nonce(world, "GET", others, nonce).status_code == 400
    body = {"image": "abacosamples/test", "maxWorkers": 3}
    world.require_refused(with_nonce(world, "PUT", actor, nonce, json=body), 400, "maxWorkers")
    result_of(with_nonce(world, "PUT", actor, nonce, json={"image": "abacosamples/test"}))


def test_a_nonce_makes_nothing_that_outlives_it(world: World) -> None:
    actor = world.actor()
    nonce = make(world, actor, level="UPDATE")
    before = world.everything()["permissions"]
    world.require_refused(with_nonce(world, "POST", f"{actor}/nonces", nonce, json={}), 400, "nonce")
    world.require_refused(with_nonce(world, "GET", f"{actor}/nonces", nonce), 400, "nonce")
    body = {"user": "eve", "level": "UPDATE"}
    world.require_refused(with_nonce(world, "POST", f"{actor}/permissions", nonce, json=body), 400, "nonce")
    assert world.everything()["permissions"] == before


def test_what_its_owner_lost_it_lost(world: World) -> None:
    actor = world.actor()
    grant(world, actor, "bob", "UPDATE")
    nonce = make(world, actor, "bob")
    grant(world, actor, "bob", "NONE")
    world.require_refused(with_nonce(world, "GET", actor, nonce), 400, "you do not have access to this actor")


def test_deleting(world: World) -> None:
    actor = world.actor()
    nonce = make(world, actor)
    assert world.send("DELETE", f"{actor}/nonces/{nonce}").json()["message"] == "Actor nonce deleted successfully."
    world.refuse("DELETE", f"{actor}/nonces/{nonce}", status=404)
    world.refuse("GET", f"{actor}/nonces/{nonce}", status=404, saying="Nonce not found.")
    world.require_refused(with_nonce(world, "GET", actor, nonce), 400, "Nonce does not exist.")
    kept = make(world, actor)
    world.send("DELETE", actor)
    world.require_refused(with_nonce(world, "GET", actor, kept), 400, "Nonce does not exist.")


def test_a_server_may_take_none(make_world: MakeWorld) -> None:
    world = make_world(accept_nonce=False)
    actor = world.actor()
    world.require_refused(with_nonce(world, "GET", actor, make(world, actor)), 400, "does not accept nonces")


def test_the_last_uses_are_given_once_each(either_world: World) -> None:
    actor = either_world.actor()
    nonce = make(either_world, actor, max_uses=5)
    redeemer = NonceRedeemer(either_world.store, either_world.clock, accepted=True)
    use = NonceUse(nonce, actor.rpartition("/")[2], Level.READ)
    outcomes: list[str] = []
    barrier = Barrier(20)

    def redeem() -> None:
        barrier.wait()
        try:
            outcomes.append(redeemer.redeem(use).username)
        except NotPermitted as error:
            outcomes.append(error.message.rpartition("-- ")[2])

    threads = [Thread(target=redeem) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["No remaining uses left for this nonce."] * 15 + ["ada"] * 5


def test_no_log_tells_a_nonce(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    actor = world.actor()
    nonce = world.post(f"{actor}/nonces", json={})["id"]

    def fail(_digest: str) -> None:
        raise RuntimeError

    monkeypatch.setattr(world.store.nonces, "find", fail)
    response = world.send("GET", f"{actor}/nonces/{nonce}")
    assert response.status_code == 500
    # The first line; what follows is the traceback, which a server writes without values.
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "request_failed" in line]
    assert "/nonces/..." in line
    assert nonce not in line
