"""Limits of run time: the server's, an actor's own, and one message's."""

from typing import Any

import pytest

from .world import World

IMAGE = "abacosamples/test"
LIMIT = 43_200


def test_anybody_may_shorten_it(world: World) -> None:
    assert world.post("/actors/v2", data={"image": IMAGE, "max_run_time": "60"})["maxRunTime"] == 60
    registered = world.post("/actors/v2", json={"image": IMAGE, "maxRunTime": 60})
    assert registered["maxRunTime"] == 60
    path = f"/actors/v2/{registered['id']}"
    assert world.put(f"{path}?image={IMAGE}&maxRunTime=30")["maxRunTime"] == 30
    assert world.get(path.replace("/v2", ""))["maxRunTime"] == 30
    assert "maxRunTime" not in world.put(path, json={"image": IMAGE})


@pytest.mark.parametrize("value", [0, -1])
def test_nothing_above_zero_is_the_servers_default(world: World, value: int) -> None:
    actor = world.actor(maxRunTime=value)
    assert world.get(actor.replace("/v2", "").replace("/actors", "/v3/actors"))["max_run_time"] is None


def test_more_than_the_server_allows_takes_a_role_or_leaving_it_as_it_is(world: World) -> None:
    described = {"image": IMAGE, "maxRunTime": LIMIT + 1}
    saying = "above this server's limit of 43200 seconds"
    world.refuse("POST", "/actors", json=described, saying=saying)
    actor = world.actor("pri", maxRunTime=LIMIT + 1)
    world.post(f"{actor}/permissions", "pri", json={"user": "ada", "level": "UPDATE"})
    assert world.put(actor, json={**described, "description": "new"})["maxRunTime"] == LIMIT + 1
    world.refuse("PUT", actor, json={**described, "maxRunTime": LIMIT + 2}, saying=saying)
    world.refuse("POST", "/actors", "adm", json={**described, "maxRunTime": 10**9}, saying="at most 315360000")
    world.refuse("POST", "/actors", json={**described, "maxRunTime": "soon"}, saying="'maxRunTime'")


@pytest.mark.parametrize(
    "body", [{"json": {"message": "hi"}}, {"content": b"bytes", "kind": "application/octet-stream"}]
)
def test_a_message_says_how_long_its_execution_may_run(world: World, body: dict[str, Any]) -> None:
    actor = world.actor(maxRunTime=60)
    world.post(f"{actor}/messages?_abaco_max_run_time=2.5", **body)
    claim = world.claim(actor)
    assert (claim.max_run_time, claim.actor.max_run_time) == (2.5, 60)
    assert claim.environment == {"_abaco_max_run_time": "2.5"}


@pytest.mark.parametrize("value", ["", "0", "-5", "soon", "inf"])
def test_a_bad_limit_of_a_message_is_refused(world: World, value: str) -> None:
    """P7"""
    actor = world.actor()
    world.refuse("POST", f"{actor}/messages?_abaco_max_run_time={value}", data={"message": "x"}, saying="such as 90")
