"""Workers of a real engine: asked for, at work, stopped, and seen by administrators and Prometheus."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from bench.live import LiveServer, until
from prometheus_client.parser import text_string_to_metric_families


@pytest.fixture
def api(server: LiveServer) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {server.token}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=30) as client:
        yield client


def result(response: httpx.Response) -> Any:
    assert response.status_code == 200, response.text
    return response.json()["result"]


@pytest.fixture
def actor(api: httpx.Client) -> Iterator[str]:
    """The path of a stateful actor that is READY and takes its time."""
    description = {"image": "abacosamples/sleep_loop", "stateless": False}
    path = "/actors/v2/" + result(api.post("/actors/v2", json=description))["id"]
    until(lambda: result(api.get(path))["status"] == "READY")
    yield path
    api.delete(path)


def test_two_workers_of_a_stateful_actor_take_turns_and_one_stops(api: httpx.Client, actor: str) -> None:
    def workers() -> list[Any]:
        shown: list[Any] = result(api.get(f"{actor}/workers"))
        return shown

    asked = api.post(f"{actor}/workers", data={"num": "2"})
    assert "Scheduled 1 new worker(s)" in asked.json()["message"]
    until(lambda: [worker["status"] for worker in workers()] == ["READY"] * 2, 10)
    assert all(worker["hostIp"] and worker["lastHealthCheckTime"].endswith("Z") for worker in workers())

    for _ in range(2):
        result(api.post(f"{actor}/messages", json={"sleep": 1, "iterations": 2}))
    until(lambda: "BUSY" in [worker["status"] for worker in workers()], 10)
    [busy] = [worker["id"] for worker in workers() if worker["status"] == "BUSY"]
    assert api.delete(f"{actor}/workers/{busy}").json()["message"] == "Worker scheduled to be stopped."
    assert result(api.get(f"{actor}/workers/{busy}"))["status"] == "SHUTDOWN_REQUESTED"

    def done() -> list[Any]:
        executions = result(api.get(f"{actor}/executions"))["executions"]
        return [execution for execution in executions if execution["status"] == "COMPLETE"]

    until(lambda: len(done()) == 2, 30)
    first, second = done()
    assert first["finishTime"] <= second["startTime"]
    ran = [result(api.get(f"{actor}/executions/{execution['id']}")) for execution in (first, second)]
    assert [one["exitCode"] for one in ran] == [0, 0]
    assert ran[0]["workerId"] == busy != ran[1]["workerId"]
    until(lambda: len(workers()) == 1, 10)


def test_administrators_and_prometheus_see_it(api: httpx.Client, actor: str) -> None:
    [mine] = [one for one in result(api.get("/actors/admin")) if actor.endswith(one["id"])]
    assert (mine["messages"], mine["executions"]) == (0, 0)
    assert result(api.get("/actors/utilization"))["totalActors"] >= 1
    families = text_string_to_metric_families(httpx.get(f"{str(api.base_url).rstrip('/')}/metrics").text)
    samples = {(sample.name, *sample.labels.values()): sample.value for one in families for sample in one.samples}
    assert samples["abaco_actors", "READY"] >= 1
    assert samples["abaco_http_requests_total", "add", "200"] >= 1
