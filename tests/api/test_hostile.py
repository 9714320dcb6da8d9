"""Anything at all gets an answer below 500, and changes something only if that answer is 200 (P7)."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from .world import World

REQUESTS = 600
METHODS = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "BREW"]
KINDS = [
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=b",
    "multipart/form-data; boundary=\xe9",
    "multipart/form-data; boundary=" + "b" * 300,
    "application/octet-stream",
    "application/octet-stream; charset=utf-8",
    "text/plain",
    "application/json; charset=utf-16",
    ";",
    "\xff",
    'a/b; c="d',
]
PIECES = [
    b'{"image": "abacosamples/test"}',
    b'{"message": "hi"}',
    b'{"image": {}, "hints": [[], {}, null], "stateless": "maybe"}',
    b'{"image": "x", "logEx": 1e308, "log_ex": null, "maxWorkers": -1}',
    b"image=abacosamples/test&hints=a&hints=b",
    b"message=hi&message=%00",
    b'--b\r\nContent-Disposition: form-data; name="message"\r\n\r\nhi\r\n--b--\r\n',
    b"--b\r\nContent-Disposition: form-data\r\n\r\nhi\r\n--b--\r\n",
    b"[[[[[[",
    b"null",
    b"\x00\xff\xfe\xed\xa0\x80",
    b'"\\ud800\\u0000"',
    b"1" * 400,
    b"%",
    b"",
]
NAMES = ["%00", "%ff", "%ed%a0%80", "%2f", "%2e%2e", "..", "'\"", "%F0%9F%98%80", "x" * 3000, "v2", "aliases", "%0d%0a"]
QUERIES = ["", "?message=hi", "?image=x&force=true", "?a=%ff", "?=&&&=", "?a%3Db=c", "?a=%00", "?" + "a&" * 1100, "?%"]
HEADERS = [
    ("Authorization", "Bearer"),
    ("Authorization", "Basic \xff"),
    ("Content-Length", "-1"),
    ("Content-Length", "many"),
    ("Accept", "\xff;q=many"),
    ("Origin", "\xff"),
    ("Cookie", "=;=\xff"),
    ("Content-Encoding", "gzip"),
    ("Transfer-Encoding", "nonsense"),
    ("X-HTTP-Method-Override", "DELETE"),
]


def mutated(choice: random.Random, data: bytes) -> bytes:
    """`data` with some of its bytes replaced, removed, or another piece in its middle."""
    body = bytearray(data)
    for _ in range(choice.choice([0, 0, 1, 1, 3])):
        at = choice.randrange(len(body) + 1)
        body[at : at + choice.randrange(3)] = choice.choice([b"", choice.randbytes(2), choice.choice(PIECES)])
    return bytes(body)


def a_path(choice: random.Random, actor: str, execution: str) -> str:
    parts = choice.choice([actor, execution, f"{actor}/messages", f"{actor}/state", f"{execution}/logs"]).split("/")
    if choice.random() < 0.4:
        parts[choice.randrange(1, len(parts))] = choice.choice(NAMES)
    if choice.random() < 0.3:
        parts = parts[: choice.randrange(1, len(parts) + 1)]
    if choice.random() < 0.2:
        parts.insert(choice.randrange(1, len(parts) + 1), choice.choice(["", *NAMES]))
    return "/" + "/".join(parts[1:]) + choice.choice(QUERIES)


def a_request(choice: random.Random, actor: str, execution: str) -> tuple[str, str, dict[str, Any]]:
    body = mutated(choice, choice.choice(PIECES))
    headers = choice.sample(HEADERS, choice.choice([0, 0, 0, 1, 2]))
    return (
        choice.choice(METHODS),
        a_path(choice, actor, execution),
        {"kind": choice.choice(KINDS), "content": body, "headers": headers},
    )


@pytest.mark.parametrize("seed", range(2))
def test_hostile_requests(either_world: World, seed: int) -> None:
    world, choice = either_world, random.Random(seed)
    actor = world.actor(stateless=False)
    execution = world.message(actor)
    before = world.everything()
    statuses: dict[int, int] = {}
    for _ in range(REQUESTS):
        method, path, request = a_request(choice, actor, execution)
        user = choice.choice(["ada", "ada", "adm", "lim", "eve@OTHER"])
        response = world.send(method, path, user, **request)
        asked = f"{method} {path[:200]} {request}"
        assert response.status_code < 500, asked
        after = world.everything()
        if response.status_code == 200:
            before = after
        elif method != "HEAD":
            assert response.json()["status"] == "error", asked
            assert response.json()["message"], asked
        assert after == before, asked
        statuses[response.status_code] = statuses.get(response.status_code, 0) + 1
        if world.send("GET", actor).status_code == 404:
            actor = world.actor(stateless=False)
            execution = world.message(actor)
            before = world.everything()
    assert set(statuses) == {200, 400, 401, 404, 405}


SCOPES: list[Callable[[dict[str, Any]], None]] = [
    lambda scope: scope.update(path="/actors/v2/\udcff/messages"),
    lambda scope: scope.update(path="/actors/v2/\ud800"),
    lambda scope: scope.update(path=""),
    lambda scope: scope.update(query_string=b"\xff=\xfe"),
    lambda scope: scope["headers"].append((b"content-type", b"\xff/\x00")),
    lambda scope: scope["headers"].append((b"authorization", b"Bearer \xff\xfe")),
]


def test_what_only_a_server_could_pass_on(either_world: World) -> None:
    """Paths and headers that httpx would not send."""
    before = either_world.everything()
    for spoil in SCOPES:
        status = either_world.http.portal.call(post_spoiled, either_world, spoil)
        assert 400 <= status < 500, spoil
    assert either_world.everything() == before


async def post_spoiled(world: World, spoil: Callable[[dict[str, Any]], None]) -> int:
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": "/actors",
        "raw_path": b"/",
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": [(b"authorization", b"Bearer " + world.tokens["ada"].encode())],
    }
    spoil(scope)
    statuses: list[int] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await world.http.app(scope, receive, send)
    return statuses[0]
