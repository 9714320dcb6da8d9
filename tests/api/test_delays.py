"""Messages that are delayed by their senders."""

from datetime import timedelta
from typing import Any

import pytest

from .world import START, World

WHEN = "_abaco_not_before"


@pytest.mark.parametrize(
    "body", [{"json": {"message": "hi"}}, {"content": b"bytes", "kind": "application/octet-stream"}]
)
def test_a_message_waits_until_it_is_due(either_world: World, body: dict[str, Any]) -> None:
    world = either_world
    actor = world.actor()
    posted = world.post(f"{actor}/messages?{WHEN}=90.5", **body)
    assert world.notifier.topics[-1] == f"delayed:{actor.rpartition('/')[2]}"
    world.message(actor, "not held up")
    assert world.claim(actor).payload.value == "not held up"
    world.clock.time = START + timedelta(seconds=90.5)
    claim = world.claim(actor)
    assert claim.execution_id == posted["executionId"]
    assert claim.environment == {WHEN: "90.5"}


def test_its_execution_shows_when_it_is_due_and_says_why_it_waits(world: World) -> None:
    actor = world.actor()
    posted = world.post(f"{actor}/messages?{WHEN}=2026-04-30T00:00:00%2B02:00", json={"message": "hi"})
    path = f"{actor}/executions/{posted['executionId']}"
    due = "2026-04-29T22:00:00.000Z"
    assert world.get(path)["notBefore"] == due
    assert world.get(path.replace("/actors/v2", "/v3/actors"))["not_before"] == due
    assert "notBefore" not in world.get(world.message(actor))
    world.store.engines.register("engine1", "host", START, START + timedelta(days=1))
    explained = world.get(f"{path}/explain")
    assert (explained["code"], explained["until"]) == ("delayed", due)
    found = world.get("/actors/v2/search/executions?notBefore.gt=2026-04-29T21&executor=ada")
    assert [one["id"] for one in found["search"]] == [posted["executionId"]]


def test_it_stands_before_nobody(world: World) -> None:
    """A synchronous message is refused where others wait before it, not because of delayed ones."""
    actor = world.actor()
    for _ in range(5):
        world.post(f"{actor}/messages?{WHEN}=60", json={"message": "hi"})
    assert world.get(f"{actor}/messages")["messages"] == 5
    assert world.get(f"{world.message(actor)}/explain")["messagesBefore"] == 0
    call = world.call("POST", f"{actor}/messages?_abaco_synchronous=true", json={"message": "hi"})

    def end() -> None:
        world.claim(actor)
        claim = world.claim(actor)
        world.close(claim, "log")
        world.bells.hear({f"execution:{claim.execution_id}"})

    [answer] = world.http.send_together([call], end)
    assert answer.text == "log"


def test_a_moment_that_has_passed_is_no_delay(world: World) -> None:
    actor = world.actor()
    world.post(f"{actor}/messages?{WHEN}=2020-01-01T00:00:00Z", json={"message": "hi"})
    assert world.notifier.topics[-1].startswith("message:")
    assert world.claim(actor)


@pytest.mark.parametrize(
    ("query", "saying", "stateless"),
    [
        (f"{WHEN}=soon", "a number of seconds above 0", True),
        (f"{WHEN}=", "a number of seconds above 0", True),
        (f"{WHEN}=99999999", "at most a year away", True),
        (f"{WHEN}=5", "is for stateless actors", False),
        (f"{WHEN}=5&_abaco_synchronous=true", "exclude each other", True),
    ],
)
def test_what_cannot_be_delayed_is_refused(world: World, query: str, saying: str, *, stateless: bool) -> None:
    """P7"""
    actor = world.actor(stateless=stateless)
    world.refuse("POST", f"{actor}/messages?{query}", json={"message": "hi"}, saying=saying)


def test_a_delayed_message_that_is_sent_again_keeps_its_moment(world: World) -> None:
    actor = world.actor()
    path, headers = f"{actor}/messages?{WHEN}=60", [("Idempotency-Key", "k")]
    first = world.post(path, json=1, headers=headers)
    world.clock.advance(seconds=59)
    assert world.post(path, json=1, headers=headers) == first
    world.clock.advance(seconds=1)
    assert world.claim(actor).execution_id == first["executionId"]
