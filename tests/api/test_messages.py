"""From the body of a POST to a message (contract 4.1), its limits, counting and purging."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from abaco.domain.message import Payload

from .asgi import chunked
from .conftest import MakeWorld
from .world import World

BINARY = "application/octet-stream"
LONGEST = 131_071 - len("MSG=")
"""Bytes of a text that an environment variable holds."""


def stored(world: World, actor: str) -> Payload:
    return world.claim(actor).payload


def binary_data(world: World, execution_id: str) -> bytes:
    return b"".join(world.store.mailbox.chunks(execution_id))


def test_a_posted_message_is_an_execution(world: World) -> None:
    actor = world.actor()
    response = world.send("POST", f"{actor}/messages", data={"message": "hi there"})
    assert response.json()["message"] == "The request was successful"
    posted = response.json()["result"]
    assert posted["msg"] == "hi there"
    assert re.fullmatch("[A-Za-z0-9]{13}", posted["executionId"])
    shown = world.get(f"{actor}/executions/{posted['executionId']}")
    assert (shown["status"], shown["executor"]) == ("SUBMITTED", "ada")
    assert shown["messageReceivedTime"] == "2026-04-29T21:46:53.007Z"
    assert world.notifier.topics[-1].endswith(actor.rpartition("/")[2])


ROWS: list[tuple[str, dict[str, Any], str, Any, Any]] = [
    # 1: a parameter `message`, wherever it is found
    ("", {"data": {"message": "hi"}}, "str", "hi", "hi"),
    ("", {"files": {"message": (None, "grüße")}}, "str", "grüße", "grüße"),
    ("", {"json": {"message": "hi", "other": 1}}, "str", "hi", "hi"),
    ("", {"json": {"message": 12}}, "str", "12", "12"),
    ("", {"json": {"message": 0}}, "str", "0", "0"),
    ("", {"json": {"message": False}}, "str", "False", "False"),
    ("?message=query", {"json": {"message": "json"}}, "str", "json", "json"),
    ("?message=query", {"data": {"message": "form"}}, "str", "query", "query"),
    ("?message=query", {"json": {"other": 1}}, "str", "query", "query"),
    ("?message=query", {"content": b""}, "str", "query", "query"),
    ("?message=query", {"content": b"bytes", "kind": BINARY}, "str", "query", "query"),
    ("?message=query", {"content": b"not JSON", "kind": "text/plain"}, "str", "query", "query"),
    ("?message=first&message=second", {}, "str", "first", "first"),
    # 1a: a value that is not text becomes its Python repr
    ("", {"json": {"message": {"a": [1, None, True]}}}, "str", "{'a': [1, None, True]}", "{'a': [1, None, True]}"),
    ("", {"json": {"message": ["x"]}}, "str", "['x']", "['x']"),
    # 2: bytes, with parameters of the content type or without, also none
    ("", {"content": b"\x00\xff", "kind": BINARY}, BINARY, None, "binary - omitted"),
    ("", {"content": b"\x00\xff", "kind": "Application/Octet-Stream; charset=utf-8"}, BINARY, None, "binary - omitted"),
    ("", {"content": b"", "kind": BINARY}, BINARY, None, "binary - omitted"),
    ("?message=", {"content": b"x", "kind": BINARY}, BINARY, None, "binary - omitted"),
    # 3: JSON
    ("", {"json": {"a": 1, "snake_case": [2]}}, "application/json", {"a": 1, "snake_case": [2]}, ...),
    ("", {"json": {"message": ""}}, "application/json", {"message": ""}, ...),
    ("", {"json": {"message": None}}, "application/json", {"message": None}, ...),
    ("", {"json": [1, "two"]}, "application/json", [1, "two"], ...),
    ("", {"json": "text"}, "application/json", "text", ...),
    ("", {"json": 10**30}, "application/json", 10**30, ...),
    ("", {"json": -1.5}, "application/json", -1.5, ...),
    ("", {"json": True}, "application/json", True, ...),
    ("", {"content": b" [1]\n", "kind": "application/json; charset=utf-8"}, "application/json", [1], ...),
    # 4: any other type whose body is JSON, and JSON that is falsy
    ("", {"content": b'{"a": 1}', "kind": "text/plain"}, "str", {"a": 1}, ...),
    ("", {"content": b'{"a": 1}'}, "str", {"a": 1}, ...),
    ("", {"content": b"12", "kind": "nonsense"}, "str", 12, ...),
    ("", {"json": {}}, "str", {}, ...),
    ("", {"json": []}, "str", [], ...),
    ("", {"json": 0}, "str", 0, ...),
    ("", {"json": False}, "str", False, ...),
    ("", {"json": ""}, "str", "", ...),
    ("", {"content": b"null", "kind": "application/json"}, "str", None, ...),
]


@pytest.mark.parametrize("root", ["/actors/v2", "/v3/actors"])
@pytest.mark.parametrize(("query", "request_", "content_type", "value", "msg"), ROWS)
def test_how_a_body_becomes_a_message(
    world: World, root: str, query: str, request_: dict[str, Any], content_type: str, value: Any, msg: Any
) -> None:
    actor = world.actor()
    path = actor.replace("/actors/v2", root)
    posted = world.post(f"{path}/messages{query}", **request_)
    payload = stored(world, actor)
    assert (payload.content_type, payload.value) == (content_type, value)
    assert type(payload.value) is type(value)
    assert posted["msg"] == (value if msg is ... else msg)


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("", {}, "could not be read as a message"),
    ("", {"data": {"other": "x"}}, "could not be read as a message"),
    ("", {"data": {"message": ""}}, "could not be read as a message"),
    ("", {"files": {"message": ("file", b"x")}}, "could not be read as a message"),
    ("", {"content": b"plain text", "kind": "text/plain"}, "could not be read as a message"),
    ("", {"content": b"plain text"}, "could not be read as a message"),
    ("", {"content": b"plain text", "kind": "application/json"}, "not valid JSON"),
    ("?message=query", {"content": b"{", "kind": "application/json"}, "not valid JSON"),
    ("", {"content": b"", "kind": "application/json"}, "could not be read as a message"),
    ("", {"content": b" \n", "kind": "text/plain"}, "could not be read as a message"),
    ("", {"content": b'"\xff"', "kind": "application/json"}, "not valid JSON"),
    ("", {"content": b'"\\udfff"', "kind": "application/json"}, "not valid JSON"),
    ("", {"content": b'{"\\ud83d": 1}', "kind": "application/json"}, "not valid JSON"),
    ("", {"content": b"NaN", "kind": "application/json"}, "not valid JSON"),
    ("", {"content": b"-Infinity", "kind": "application/json"}, "not valid JSON"),
    ("", {"content": b"1e999", "kind": "application/json"}, "not valid JSON"),
    ("", {"content": b"1" * 5000, "kind": "application/json"}, "not valid JSON"),
    ("", {"content": b"[" * 101 + b"]" * 101, "kind": "application/json"}, "nested more than 100"),
    ("", {"content": b'{"a":' * 100_000, "kind": "application/json"}, "nested more than 100"),
    ("", {"content": b'{"message":' + b"[" * 101 + b"]" * 101 + b"}", "kind": "application/json"}, "nested"),
    ("", {"json": {"message": "a\0b"}}, "NUL"),
    ("", {"json": "a\0b"}, "NUL"),
    ("", {"data": {"message": "a\0b"}}, "NUL"),
    ("?message=a%00b", {}, "NUL"),
    ("?message=%ff", {}, "query string is not valid UTF-8"),
    ("?message=%ed%a0%80", {}, "query string is not valid UTF-8"),
    ("?x=%c0%80", {"json": "hi"}, "query string is not valid UTF-8"),
    ("", {"content": b"message=%ff", "kind": "application/x-www-form-urlencoded"}, "form is not valid UTF-8"),
    ("", {"content": b"message=\xff", "kind": "application/x-www-form-urlencoded"}, "form is not valid UTF-8"),
    ("?=1", {"json": "hi"}, "may not be empty"),
    ("?a%3Db=1", {"json": "hi"}, "'a=b' cannot be an environment variable"),
    ("?a%00=1", {"json": "hi"}, "NUL"),
    ("?a=%00", {"json": "hi"}, "NUL"),
    ("?" + "a=1&" * 1001, {"json": "hi"}, "1000 fields"),
    ("?a%3Db=1", {"content": b"x", "kind": BINARY}, "'a=b' cannot be an environment variable"),
    ("?a=%ff", {"content": b"x", "kind": BINARY}, "query string is not valid UTF-8"),
]


@pytest.mark.parametrize(("query", "request_", "saying"), REFUSED)
def test_what_is_not_a_message_is_refused(world: World, query: str, request_: dict[str, Any], saying: str) -> None:
    world.refuse("POST", f"{world.actor()}/messages{query}", saying=saying, **request_)


def test_query_parameters_are_the_environment(world: World) -> None:
    actor = world.actor()
    query = "?A=1&B=&C=%C3%BC&A=2&message=hi&x-nonce=secret&d%20e=f+g&flag"
    world.post(f"{actor}/messages{query}", content=b"")
    assert world.claim(actor).environment == {"A": "1", "B": "", "C": "ü", "d e": "f g", "flag": ""}


class TestLimits:
    @pytest.mark.parametrize(
        ("request_", "longer"),
        [
            ({"data": {"message": "x" * LONGEST}}, {"data": {"message": "x" * (LONGEST + 1)}}),
            ({"json": "x" * (131_071 - 18)}, {"json": "x" * (131_071 - 17)}),
            ({"json": {"message": "ü" * (LONGEST // 2)}}, {"json": {"message": "ü" * (LONGEST // 2 + 1)}}),
        ],
    )
    def test_a_text_fits_an_environment_variable_or_is_refused_with_advice(
        self, world: World, request_: dict[str, Any], longer: dict[str, Any]
    ) -> None:
        actor = world.actor()
        world.post(f"{actor}/messages", **request_)
        world.refuse("POST", f"{actor}/messages", saying="application/octet-stream", **longer)

    def test_a_huge_text_is_refused_while_it_is_read(self, world: World) -> None:
        body = chunked([b"x" * 1024**2] * 9)
        world.refuse("POST", f"{world.actor()}/messages", content=body, kind="text/plain", saying="larger than 8388608")

    @pytest.mark.parametrize("size", [0, 1, 65_537, 1024**2, 1024**2 + 1, 3 * 1024**2])
    def test_binary_data_arrives_whole_with_and_without_a_length(self, world: World, size: int) -> None:
        data = bytes(range(256)) * (size // 256 + 1)
        data = data[:size]
        actor = world.actor()
        pieces = [data[start : start + 100_000] for start in range(0, size, 100_000)]
        for body in (data, chunked(pieces)):
            posted = world.post(f"{actor}/messages", content=body, kind=BINARY)
            assert binary_data(world, posted["executionId"]) == data
            assert stored(world, actor).size == size

    def test_binary_data_over_the_limit_leaves_nothing(self, make_world: MakeWorld) -> None:
        world = make_world(max_content_length=2 * 1024**2)
        messages = f"{world.actor()}/messages"
        world.post(messages, content=b"x" * 2 * 1024**2, kind=BINARY)
        for body in (b"x" * (2 * 1024**2 + 1), chunked([b"x" * 1024**2] * 3)):
            refused = world.refuse("POST", messages, content=body, kind=BINARY)
            assert refused.json()["message"] == "Message exceeds max content length of: 2097152"

    def test_data_of_an_announced_size_over_the_limit_is_not_waited_for(self, make_world: MakeWorld) -> None:
        def body() -> Iterator[bytes]:
            raise AssertionError
            yield b""

        world = make_world(max_content_length=10)
        length = [("Content-Length", "11")]
        saying = "Message exceeds max content length of: 10"
        messages = f"{world.actor()}/messages"
        world.refuse("POST", messages, content=chunked(body()), kind=BINARY, headers=length, saying=saying)

    def test_permission_is_asked_before_binary_data_is_read(self, world: World) -> None:
        body = chunked(iter(lambda: b"x" * 1024**2, b""))  # endless
        saying = "you do not have access to this actor"
        world.refuse("POST", f"{world.actor()}/messages", "bob", content=body, kind=BINARY, saying=saying)


class TestMailbox:
    def test_counts_what_waits(self, world: World) -> None:
        actor = world.actor()
        assert world.get(f"{actor}/messages")["messages"] == 0
        for _ in range(3):
            world.message(actor)
        assert world.get(f"{actor}/messages")["messages"] == 3
        world.claim(actor)
        assert world.get(f"{actor}/messages")["messages"] == 2

    def test_purging_drops_what_waits_and_says_so(self, world: World) -> None:
        actor = world.actor()
        running = world.message(actor)
        world.claim(actor)
        waiting = world.message(actor)
        binary = world.post(f"{actor}/messages", content=b"x", kind=BINARY)["executionId"]
        response = world.send("DELETE", f"{actor}/messages")
        assert response.json()["message"] == "The request was successful"
        assert response.json()["result"]["msg"] == "Actor mailbox purged."
        assert world.get(f"{actor}/messages")["messages"] == 0
        assert world.get(running)["status"] == "RUNNING"
        shown = world.get(waiting)
        assert shown["status"] == "ERROR"
        assert "purged" in shown["finalState"]["Error"]
        assert binary_data(world, binary) == b""

    def test_an_actor_in_error_takes_messages(self, world: World) -> None:
        actor = world.actor()
        assert world.store.actors.mark_error(actor.rpartition("/")[2], 1, "no such image", world.clock.now())
        world.message(actor)
        assert world.get(f"{actor}/messages")["messages"] == 1
