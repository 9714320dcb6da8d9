"""Many messages in one request: all or none."""

import json
from typing import Any

import pytest

from abaco.domain.message import ContentType, Payload

from .conftest import MakeWorld
from .world import World

NDJSON = "application/x-ndjson"
KEY = "Idempotency-Key"


def send(world: World, actor: str, *messages: Any, query: str = "", **options: Any) -> list[str]:
    ids: list[str] = world.post(f"{actor}/messages/batch{query}", json=list(messages), **options)["executionIds"]
    return ids


def refuse(world: World, actor: str, *messages: Any, saying: str, **options: Any) -> None:
    world.refuse("POST", f"{actor}/messages/batch", json=list(messages), saying=saying, **options)


@pytest.mark.parametrize("root", ["/actors/v2", "/v3/actors"])
def test_messages_become_executions_in_order(either_world: World, root: str) -> None:
    world = either_world
    actor = world.actor()
    given: list[Any] = ["hi", {"a": [1, None]}, [], 0, False, 10**30]
    answer = world.post(f"{actor.replace('/actors/v2', root)}/messages/batch", json=[{"message": one} for one in given])
    ids = answer["executionIds" if root == "/actors/v2" else "execution_ids"]
    assert answer["_links"]["messages"] == f"https://abaco.test{root}/{actor.rpartition('/')[2]}/messages"
    claims = [world.claim(actor) for _ in given]
    assert [claim.execution_id for claim in claims] == ids
    kinds = [ContentType.TEXT, *[ContentType.JSON] * 5]
    assert [claim.payload for claim in claims] == [Payload(kind, one) for kind, one in zip(kinds, given, strict=True)]


def test_they_may_come_a_line_each(world: World) -> None:
    actor = world.actor()
    body = b'{"message": "one"}\n\n{"message": "\xc3\xbc"}\r\n{"message": 3}'
    posted = world.post(f"{actor}/messages/batch", content=body, kind=NDJSON)["executionIds"]
    assert [world.claim(actor).payload.value for _ in posted] == ["one", "ü", 3]


def test_each_has_variables_beside_those_of_all(world: World) -> None:
    actor = world.actor()
    send(world, actor, {"message": "a", "environment": {"X": "own"}}, {"message": "b"}, query="?X=all&Y=all&message=no")
    assert [world.claim(actor).environment for _ in range(2)] == [{"X": "own", "Y": "all"}, {"X": "all", "Y": "all"}]


@pytest.mark.parametrize("name", ["not_before", "notBefore"])
def test_each_may_be_delayed_by_itself(world: World, name: str) -> None:
    actor = world.actor()
    due: list[Any] = [60, 0.5, "2", "2026-04-29T22:00:00Z"]
    ids = send(world, actor, {"message": "now"}, *({"message": "later", name: one} for one in due))
    shown = [world.get(f"{actor}/executions/{id_}").get("notBefore", "")[11:] for id_ in ids]
    assert shown == ["", "21:47:53.007Z", "21:46:53.507Z", "21:46:55.007Z", "22:00:00.000Z"]
    assert {topic.partition(":")[0] for topic in world.notifier.topics[-2:]} == {"message", "delayed"}


@pytest.mark.parametrize("options", [{"headers": [(KEY, "batch")]}, {}])
def test_a_batch_that_is_sent_again_is_the_same_messages(either_world: World, options: dict[str, Any]) -> None:
    world = either_world
    actor = world.actor()
    messages = [{"message": n} if options else {"message": n, "key": str(n)} for n in range(5)]
    first = send(world, actor, *messages, **options)
    before = world.everything()
    assert send(world, actor, *messages, **options) == first
    assert world.everything() == before


def test_those_that_are_there_already_are_not_posted_again(world: World) -> None:
    actor = world.actor()
    headers = [(KEY, "b")]
    single = world.post(f"{actor}/messages", json={"message": "b"}, headers=headers)["executionId"]
    first = send(world, actor, {"message": "a", "key": "a"})
    ids = send(world, actor, *({"message": name, "key": name} for name in "abcc"))
    assert ids[:2] == [*first, single]
    assert ids[2] == ids[3]
    assert world.count("messages") == 3


def test_a_key_of_another_message_spoils_the_batch(either_world: World) -> None:
    world = either_world
    actor = world.actor()
    send(world, actor, {"message": "a", "key": "a"})
    again = [{"message": "new", "key": "b"}, {"message": "other", "key": "a"}]
    refuse(world, actor, *again, status=422, saying="messages[1]: This Idempotency-Key was used for another message")


@pytest.mark.parametrize(
    ("wrong", "saying"),
    [
        ({}, "messages[1]: Object missing required field `message`"),
        ("text", "messages[1]: Expected `object`"),
        ({"message": ""}, "messages[1]: message is a text that is not empty"),
        ({"message": None}, "messages[1]: message is a text that is not empty"),
        ({"message": "x" * 140_000}, "messages[1]: The message takes 140000 bytes"),
        ({"message": "a\0b"}, "messages[1]: The message holds a NUL"),
        ({"message": "x", "other": 1}, "messages[1]: Object contains unknown field `other`"),
        ({"message": "x", "environment": {"A": 1}}, "messages[1]: Expected `str`"),
        ({"message": "x", "environment": {"A=B": "x"}}, "messages[1]: query parameters: 'A=B'"),
        ({"message": "x", "key": ""}, "messages[1]: Idempotency-Key must have"),
        ({"message": "x", "not_before": "soon"}, "messages[1]: _abaco_not_before is"),
        ({"message": "x", "not_before": -1.5}, "messages[1]: _abaco_not_before is"),
        ({"message": "x", "not_before": True}, "messages[1]: Expected `"),
        ({"message": json.loads("[" * 101 + "]" * 101)}, "messages[1]: The JSON is nested"),
    ],
)
def test_one_that_is_wrong_spoils_the_batch_and_is_named(world: World, wrong: Any, saying: str) -> None:
    """P7"""
    refuse(world, world.actor(), {"message": "good"}, wrong, saying=saying)


def test_a_stateful_actor_takes_batches_without_delays(world: World) -> None:
    actor = world.actor(stateless=False)
    assert len(send(world, actor, {"message": 1}, {"message": 2})) == 2
    refuse(
        world, actor, {"message": 1, "not_before": 5}, saying="messages[0]: _abaco_not_before is for stateless actors"
    )


@pytest.mark.parametrize(
    ("body", "saying"),
    [
        ({"json": {"message": "hi"}}, "must be a JSON list of messages"),
        ({"content": b"[{", "kind": "application/json"}, "must be a JSON list of messages"),
        ({"content": b'{"message": 1}\nnonsense', "kind": NDJSON}, "messages[1]: The body is not valid JSON"),
        ({"content": b'{"message": "\xff"}', "kind": NDJSON}, "messages[0]: The body is not valid JSON"),
        ({"json": []}, "1 to 10000 messages, and this one 0"),
        ({"json": [{"message": 1}] * 10_001}, "1 to 10000 messages, and this one 10001"),
        ({"data": {"message": "hi"}}, "Send a JSON list as application/json"),
        ({}, "Send a JSON list as application/json"),
    ],
)
def test_what_is_no_batch_is_refused(world: World, body: dict[str, Any], saying: str) -> None:
    """P7"""
    world.refuse("POST", f"{world.actor()}/messages/batch", saying=saying, **body)


def test_a_batch_is_not_waited_for(world: World) -> None:
    path = f"{world.actor()}/messages/batch?_abaco_synchronous=true"
    world.refuse("POST", path, json=[{"message": "hi"}], saying="is not waited for")


def test_a_batch_has_a_limit(make_world: MakeWorld) -> None:
    world = make_world(max_batch_bytes=100)
    actor = world.actor()
    refused = world.refuse("POST", f"{actor}/messages/batch", json=[{"message": "x" * 100}], saying="larger than 100")
    assert refused.headers["x-abaco-error-code"] == "too_large"


def test_ten_thousand_are_taken_in_one_call(either_world: World) -> None:
    world = either_world
    actor = world.actor()
    messages = [{"message": f"message {n}", "key": str(n)} for n in range(10_000)]
    ids = send(world, actor, *messages)
    assert len(set(ids)) == 10_000
    assert send(world, actor, *messages[5_000:]) == ids[5_000:]
    assert world.get(f"{actor}/messages")["messages"] == 10_000
