"""Messages that are sent again under the same Idempotency-Key."""

from typing import Any

import pytest

from .world import World

BINARY = "application/octet-stream"
KEY = "Idempotency-Key"
SYNC = "/messages?_abaco_synchronous=true"
FORMS: list[dict[str, Any]] = [
    {"data": {"message": "hi"}},
    {"json": {"message": "hi"}},
    {"json": {"a": [1, None, 10**30], "ü": "€"}},
    {"content": b'{"a": 1}', "kind": "text/plain"},
    {"content": b"\x00\xff", "kind": BINARY},
    {"content": b"", "kind": BINARY},
]


def send(world: World, actor: str, key: str, user: str = "ada", query: str = "", **body: Any) -> Any:
    return world.post(f"{actor}/messages{query}", user, headers=[(KEY, key)], **(body or {"json": {"message": "hi"}}))


@pytest.mark.parametrize("body", FORMS)
def test_a_message_of_any_form_is_posted_once(either_world: World, body: dict[str, Any]) -> None:
    world = either_world
    actor = world.actor()
    first = send(world, actor, "key 1", **body)
    before = world.everything()
    assert send(world, actor, "key 1", **body) == first
    assert world.everything() == before  # nothing is left of it, and the engine is not woken
    assert world.get(f"{actor}/messages")["messages"] == 1
    assert send(world, actor, "key 2", **body)["executionId"] != first["executionId"]


def test_the_same_key_holds_after_the_execution_has_ended(world: World) -> None:
    actor = world.actor()
    first = send(world, actor, "k")
    world.close(world.claim(actor))
    assert send(world, actor, "k") == first


def test_keys_are_of_one_sender_and_one_actor(world: World) -> None:
    actor, other = world.actor(), world.actor()
    world.post(f"{actor}/permissions", json={"user": "bob", "level": "EXECUTE"})
    sent = [send(world, actor, "k"), send(world, other, "k"), send(world, actor, "k", "bob")]
    assert len({one["executionId"] for one in sent}) == 3


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("", {"json": {"message": "other"}}),
        ("", {"json": ["hi"]}),
        ("", {"content": b"hi", "kind": BINARY}),
        ("?NAME=value", {"json": {"message": "hi"}}),
    ],
)
def test_a_key_is_not_for_another_message(world: World, query: str, body: dict[str, Any]) -> None:
    actor = world.actor()
    send(world, actor, "k")
    path, headers = f"{actor}/messages{query}", [(KEY, "k")]
    refused = world.refuse("POST", path, status=422, headers=headers, saying="was used for another message", **body)
    assert refused.headers["x-abaco-error-code"] == "key_reused"


def test_binary_messages_differ_in_their_bytes(world: World) -> None:
    actor = world.actor()
    send(world, actor, "k", content=b"one", kind=BINARY)
    body: dict[str, Any] = {"content": b"two", "kind": BINARY}
    world.refuse("POST", f"{actor}/messages", status=422, headers=[(KEY, "k")], **body)


@pytest.mark.parametrize("key", ["", " ", "\xfc", "a\tb", "k" * 256])
def test_what_is_no_key_is_refused(world: World, key: str) -> None:
    actor = world.actor()
    world.refuse("POST", f"{actor}/messages", headers=[(KEY, key)], json=1, saying="1 to 255 printable ASCII")


def test_a_message_has_one_key(world: World) -> None:
    actor = world.actor()
    world.refuse("POST", f"{actor}/messages", headers=[(KEY, "a"), (KEY, "b")], json=1, saying="a message has one key")


def test_posts_at_the_same_time_are_one_message(world: World) -> None:
    actor = world.actor()
    call = world.call("POST", f"{actor}/messages", json={"message": "hi"}) | {"headers": [(KEY, "k")]}
    answers = world.http.send_together([call] * 8, lambda: None)
    assert len({answer.json()["result"]["executionId"] for answer in answers}) == 1
    assert world.get(f"{actor}/messages")["messages"] == 1


def test_a_synchronous_message_sent_again_waits_for_the_same_execution(world: World) -> None:
    actor = world.actor()
    call = world.call("POST", actor + SYNC, json={"message": "hi"}) | {"headers": [(KEY, "k")]}

    def end() -> None:
        claim = world.claim(actor)
        world.close(claim, "the log")
        world.bells.hear({f"execution:{claim.execution_id}"})

    answers = world.http.send_together([call, call], end)
    answers += world.http.send_together([call], lambda: None)
    assert {(answer.status_code, answer.text) for answer in answers} == {(200, "the log")}
    assert len({answer.headers["x-abaco-execution-id"] for answer in answers}) == 1
    assert world.count("executions") == 1


def test_a_result_stays_for_those_who_ask_again(world: World) -> None:
    actor = world.actor()
    call = world.call("POST", actor + SYNC, json={"message": "hi"}) | {"headers": [(KEY, "k")]}

    def end() -> None:
        claim = world.claim(actor)
        world.send_results(claim, [b"result"])
        world.close(claim, "the log")
        world.bells.hear({f"execution:{claim.execution_id}"})

    [first] = world.http.send_together([call], end)
    [again] = world.http.send_together([call], lambda: None)
    assert first.content == again.content == b"result"
    path = f"{actor}/executions/{first.headers['x-abaco-execution-id']}/results"
    assert world.send("GET", path).content == b"result"
    [taken] = world.http.send_together([call], lambda: None)
    assert taken.content == b"the log"


def test_one_that_waits_in_the_line_already_is_not_refused(world: World) -> None:
    """More than three messages wait, its own among them; it may be asked for without waiting, too."""
    actor = world.actor()
    first = send(world, actor, "k")
    for _ in range(4):
        world.message(actor)
    call = world.call("POST", actor + SYNC, json={"message": "hi"}) | {"headers": [(KEY, "k")]}

    def end() -> None:
        claim = world.claim(actor)
        world.close(claim, "the log")
        world.bells.hear({f"execution:{claim.execution_id}"})

    [answer] = world.http.send_together([call], end)
    assert (answer.text, answer.headers["x-abaco-execution-id"]) == ("the log", first["executionId"])
    assert send(world, actor, "k") == first


@pytest.mark.parametrize("method", ["OPTIONS", "GET", "POST"])
def test_every_answer_says_that_keys_are_taken(world: World, method: str) -> None:
    answer = world.send(method, f"{world.actor()}/messages")
    assert answer.headers["idempotency-key-supported"] == "true"
    assert "Idempotency-Key-Supported" in answer.headers["access-control-expose-headers"]
    assert "idempotency-key-supported" not in world.send("GET", "/actors/v2").headers
