"""Synchronous messages, configs and nonces on a real server with real containers."""

import ast
import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from bench.live import LiveServer, until

from abaco.client import Abaco


@pytest.fixture
def http(server: LiveServer) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {server.token}"}
    with httpx.Client(base_url=f"{server.url}/actors/v2", headers=headers, timeout=60) as client:
        yield client


def actor_of(http: httpx.Client, ab: Abaco, image: str, **description: Any) -> str:
    actor_id: str = http.post("", json={"image": image, **description}).json()["result"]["id"]
    assert ab.actors.wait(actor_id, timeout=60).status == "READY"
    return actor_id


def test_a_request_is_answered_with_the_log(http: httpx.Client, ab: Abaco) -> None:
    actor = actor_of(http, ab, "abacosamples/test", defaultEnvironment={"SLEEP": "0"})
    answer = http.post(f"/{actor}/messages?_abaco_synchronous=true", json={"message": "testing execution"})
    assert answer.status_code == 200
    assert "Contents of MSG: testing execution" in answer.text
    execution = http.get(f"/{actor}/executions/{answer.headers['X-Abaco-Execution-Id']}").json()["result"]
    assert execution["status"] == "COMPLETE"


def test_a_request_is_answered_with_the_first_result(http: httpx.Client, ab: Abaco) -> None:
    actor = actor_of(http, ab, "abacosamples/wc")
    answer = http.post(f"/{actor}/messages?_abaco_synchronous=true", data={"message": "to be or not to be"})
    assert answer.headers["content-type"] == "application/octet-stream"
    assert json.loads(answer.content)["be"] == 2


def test_a_client_that_goes_away_leaves_the_execution_alone(http: httpx.Client, ab: Abaco, server: LiveServer) -> None:
    actor = actor_of(http, ab, "abacosamples/test", defaultEnvironment={"SLEEP": "1"})
    request = (
        f"POST /actors/v2/{actor}/messages?_abaco_synchronous=true&message=hi HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {server.token}\r\nContent-Length: 0\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(request.encode())
        until(lambda: ab.executions.list(actor).total_executions == 1)
    [execution] = ab.executions.list(actor).executions
    assert ab.executions.wait(actor, execution.id, timeout=60).status == "COMPLETE"


def test_containers_get_their_configs(http: httpx.Client, ab: Abaco, server: LiveServer) -> None:
    actor = actor_of(http, ab, "abacosamples/test", defaultEnvironment={"SLEEP": "0"})
    for name, value, secret in (("host", "db.example.org", False), ("password", "hunter2", True)):
        config = {"name": f"{name}-{actor}", "value": value, "isSecret": secret, "actors": actor}
        assert http.post("/configs", json=config).status_code == 200
    server.admin("rotate-key")
    log = http.post(f"/{actor}/messages?_abaco_synchronous=true", json={"message": "hi"}).text
    [line] = [line for line in log.splitlines() if line.startswith("_actor_configs=")]
    assert ast.literal_eval(line.partition("=")[2]) == {
        f"host-{actor}": "db.example.org",
        f"password-{actor}": "hunter2",
    }
    assert "hunter2" not in server.log
    assert server.admin("rotate-key", "--forget-former").endswith("Former keys are gone.")
    assert "hunter2" in http.post(f"/{actor}/messages?_abaco_synchronous=true", json={"message": "hi"}).text
