"""Messages with keys and delays on a real server with real containers."""

import re
import socket
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from bench.live import LiveServer

from abaco.client import Abaco


@pytest.fixture
def http(server: LiveServer) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {server.token}"}
    with httpx.Client(base_url=f"{server.url}/actors/v2", headers=headers, timeout=60) as client:
        yield client


@pytest.fixture
def actor(ab: Abaco) -> str:
    registered = ab.actors.add(image="abacosamples/test", default_environment={"SLEEP": "0"})
    return ab.actors.wait(registered.id, timeout=60).id


def post(http: httpx.Client, actor: str, query: str = "", **headers: str) -> str:
    answer = http.post(f"/{actor}/messages{query}", json={"message": "hi"}, headers=headers)
    assert answer.status_code == 200, answer.text
    execution_id: str = answer.json()["result"]["executionId"]
    return execution_id


def test_a_delayed_message_runs_when_it_is_due(http: httpx.Client, ab: Abaco, actor: str) -> None:
    ab.executions.wait(actor, post(http, actor), timeout=60)  # its worker is there
    delayed = [post(http, actor, f"?_abaco_not_before={seconds}") for seconds in (0.7, 0.3)]
    for execution_id in delayed:
        execution = ab.executions.wait(actor, execution_id, timeout=60)
        assert execution.not_before is not None
        assert execution.times.claimed is not None
        late = execution.times.claimed - execution.not_before
        assert timedelta() <= late < timedelta(seconds=1), late


def test_a_message_that_is_sent_again_is_executed_once(http: httpx.Client, ab: Abaco, actor: str) -> None:
    sent = {post(http, actor, **{"Idempotency-Key": "once"}) for _ in range(3)}
    assert len(sent) == 1
    assert ab.executions.wait(actor, sent.pop(), timeout=60).status == "COMPLETE"
    again = http.post(
        f"/{actor}/messages?_abaco_synchronous=true", json={"message": "hi"}, headers={"Idempotency-Key": "once"}
    )
    assert "Contents of MSG: hi" in again.text
    assert ab.executions.list(actor).total_executions == 1


def test_posts_that_come_all_at_once_on_one_connection_are_all_taken(ab: Abaco, server: LiveServer, actor: str) -> None:
    """Bodies of an announced size, and one in chunks: each ends where the next request begins."""
    head = f"POST /actors/v2/{actor}/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.token}\r\n"
    binary = "Content-Type: application/octet-stream\r\n"
    requests = [
        f"{head}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\nmessage=a",
        f"{head}{binary}Content-Length: 300000\r\n\r\n{'b' * 300_000}",
        f"{head}{binary}Transfer-Encoding: chunked\r\n\r\n3\r\nccc\r\n0\r\n\r\n",
        f"{head}Content-Type: text/plain\r\nContent-Length: 1\r\nConnection: close\r\n\r\nd",
    ]
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall("".join(requests).encode())
        answers = connection.makefile("rb").read()
    # The last one is no JSON, and nothing else a message could be read from.
    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"200", b"200", b"200", b"400"]
    assert ab.executions.list(actor).total_executions == 3
