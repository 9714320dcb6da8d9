"""Messages with keys and delays on a real server with real containers."""

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
