"""Reading and replacing an actor's state."""

from typing import Any

import msgspec
import pytest

from .world import World

ROOM = 131_071 - len("_abaco_actor_state=")


@pytest.mark.parametrize(
    "value", [{"a": {"b": [1, None]}}, [], {}, "abc", "", 0, -1.5, 10**30, True, False, None, {"snake_key": "camelKey"}]
)
def test_any_json_value_is_a_state(world: World, value: Any) -> None:
    actor = world.actor(stateless=False, state={"n": 0})
    response = world.send("POST", f"{actor}/state", kind="application/json", content=msgspec.json.encode(value))
    assert response.json()["message"] == "State updated successfully."
    assert response.json()["result"] == world.get(actor)
    assert response.json()["result"].get("state") == value
    assert world.send("GET", f"{actor}/state").json()["message"] == "Actor state retrieved successfully."
    for root in ("/actors/v2", "/v3/actors"):
        assert world.get(f"{actor}/state".replace("/actors/v2", root)) == {"state": value}


def test_a_new_state_replaces_the_whole_old_one(world: World) -> None:
    actor = world.actor(stateless=False, state={"a": 1})
    world.post(f"{actor}/state", json={"b": 2})
    assert world.get(f"{actor}/state") == {"state": {"b": 2}}


def test_a_stateless_actor_has_none(world: World) -> None:
    actor = world.actor()
    assert world.get(f"{actor}/state") == {"state": {}}
    world.refuse("POST", f"{actor}/state", json=1, status=404, saying="actor is stateless.")


def test_the_largest_state_and_one_larger(world: World) -> None:
    actor = world.actor(stateless=False)
    world.post(f"{actor}/state", json="x" * ROOM)
    world.refuse("POST", f"{actor}/state", json="x" * (ROOM + 1), saying=f"holds {ROOM}")
    world.refuse("POST", f"{actor}/state", json={"k": "x" * ROOM}, saying=f"holds {ROOM}")


@pytest.mark.parametrize(
    ("request_", "saying"),
    [
        ({"content": b""}, "state must be JSON serializable"),
        ({"data": {"state": "1"}}, "state must be JSON serializable"),
        ({"content": b"{}", "kind": "text/plain"}, "state must be JSON serializable"),
        ({"content": b"{}", "kind": "application/octet-stream"}, "state must be JSON serializable"),
        ({"content": b"plain text", "kind": "application/json"}, "not valid JSON"),
        ({"content": b"", "kind": "application/json"}, "not valid JSON"),
        ({"content": b'"\xff"', "kind": "application/json"}, "not valid JSON"),
        ({"content": b'"\\ud800"', "kind": "application/json"}, "not valid JSON"),
        ({"content": b"NaN", "kind": "application/json"}, "not valid JSON"),
        ({"content": b"[" * 101 + b"]" * 101, "kind": "application/json"}, "nested more than 100"),
        ({"json": "a\0b"}, "NUL"),
    ],
)
def test_what_is_not_a_state_is_refused(world: World, request_: dict[str, Any], saying: str) -> None:
    world.refuse("POST", f"{world.actor(stateless=False)}/state", saying=saying, **request_)
