"""Executions: listing, reading, halting; their logs and results."""

import pytest

from abaco.domain.execution import StopReason
from abaco.domain.lifecycle import ExecutionStatus
from abaco.ports import LogAppended

from .world import World


def id_of(execution: str) -> str:
    return execution.rpartition("/")[2]


def test_an_execution_from_submitted_to_complete(world: World) -> None:
    actor = world.actor()
    execution = world.message(actor)
    path = execution.replace("/actors/v2", "/v3/actors")
    submitted = world.get(path)
    unknown = ("worker_id", "start_time", "finish_time", "exit_code", "final_state", "image_digest")
    assert [submitted[name] for name in unknown] == [None] * 6
    assert (submitted["status"], submitted["attempts"]) == ("SUBMITTED", 0)
    assert not {"workerId", "startTime", "exitCode", "finalState"} & set(world.get(execution))
    world.clock.advance(seconds=1)
    claim = world.claim(actor)
    running = world.get(path)
    assert (running["status"], running["worker_id"], running["attempts"]) == ("RUNNING", "worker1", 1)
    assert running["start_time"] == "2026-04-29T21:46:54.007Z"
    world.close(claim, cpu=5_000_000, io=42, exit_code=3)
    done = world.get(path)
    assert {name: done[name] for name in ("status", "exit_code", "cpu", "io", "runtime")} == {
        "status": "COMPLETE",
        "exit_code": 3,
        "cpu": 5_000_000,
        "io": 42,
        "runtime": 3,
    }
    assert done["message_received_time"] == "2026-04-29T21:46:53.007Z"
    assert done["finish_time"] == "2026-04-29T21:46:57.007Z"
    assert done["image_digest"] == "sha256:1"
    state = done["final_state"]
    assert (state["Status"], state["ExitCode"], state["OOMKilled"], state["Error"]) == ("exited", 3, False, "")
    assert (state["StartedAt"], state["FinishedAt"]) == ("2026-04-29T21:46:54.007Z", "2026-04-29T21:46:57.007Z")
    assert world.get(execution)["finalState"] == state


def test_whole_seconds_have_milliseconds_too(world: World) -> None:
    world.clock.time = world.clock.time.replace(microsecond=0)
    execution = world.message(world.actor())
    assert world.get(execution)["messageReceivedTime"] == "2026-04-29T21:46:53.000Z"


def test_an_execution_that_could_not_run_says_why(world: World) -> None:
    actor = world.actor()
    execution = world.message(actor)
    claim, failed = world.claim(actor), ExecutionStatus.ERROR
    world.close(claim, status=failed, reason=StopReason.NOT_RUN, error="no such program", exit_code=None)
    shown = world.get(execution)
    assert (shown["status"], shown["finalState"]["Error"]) == ("ERROR", "no such program")


def test_the_summary_lists_the_oldest_first_with_sums(world: World) -> None:
    actor = world.actor()
    executions = [world.message(actor) for _ in range(3)]
    world.close(world.claim(actor), cpu=10, io=1)
    world.close(world.claim(actor), cpu=20, io=2)
    response = world.send("GET", f"{actor}/executions")
    assert response.json()["message"] == "Actor executions retrieved successfully."
    summary = response.json()["result"]
    assert [entry["id"] for entry in summary["executions"]] == [id_of(execution) for execution in executions]
    assert [entry["status"] for entry in summary["executions"]] == ["COMPLETE", "COMPLETE", "SUBMITTED"]
    last = {"id", "status", "startTime", "finishTime", "messageReceivedTime"}
    assert set(summary["executions"][2]) == last
    assert summary["executions"][2]["startTime"] is None
    sums = ("totalExecutions", "totalCpu", "totalIo", "totalRuntime")
    assert [summary[name] for name in sums] == [3, 30, 3, 6]
    assert (summary["actorId"], summary["owner"]) == (actor.rpartition("/")[2], "ada")
    assert summary["apiServer"] == "https://abaco.test"
    snake = world.get(f"{actor}/executions".replace("/actors/v2", "/v3/actors"))
    assert set(snake["executions"][0]) == {"id", "status", "start_time", "finish_time", "message_received_time"}
    assert snake["total_runtime"] == 6


def test_the_summary_of_no_executions(world: World) -> None:
    summary = world.get(f"{world.actor()}/executions")
    assert (summary["executions"], summary["totalExecutions"], summary["totalCpu"]) == ([], 0, 0)


class TestHalting:
    def test_asks_the_engine(self, world: World) -> None:
        actor = world.actor()
        execution = world.message(actor)
        claim = world.claim(actor)
        response = world.send("DELETE", execution)
        assert response.status_code == 200
        assert response.json()["message"] == f"Issued force quit command for execution {id_of(execution)}."
        assert response.json()["result"] is None
        assert world.store.executions.halts("engine1") == [(claim.execution_id, 1)]
        assert world.notifier.topics[-1] == f"halt:{claim.execution_id}"

    def test_what_does_not_run_is_refused_with_its_status(self, world: World) -> None:
        actor = world.actor()
        execution = world.message(actor)
        refused = world.refuse("DELETE", execution, saying="is SUBMITTED")
        assert refused.headers["x-abaco-error-code"] == "conflict"
        world.close(world.claim(actor))
        world.refuse("DELETE", execution, saying="is COMPLETE")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("DELETE", ""), ("GET", "/logs"), ("GET", "/results"), ("HEAD", "/results")]
)
@pytest.mark.parametrize("execution", ["unknown", "x" * 10_000, "%00", "%ff", "OTHER"])
def test_an_unknown_execution_is_not_found(world: World, method: str, path: str, execution: str) -> None:
    actor, other = world.actor(), world.actor()
    name = id_of(world.message(other)) if execution == "OTHER" else execution
    if method == "HEAD":
        assert world.send(method, f"{actor}/executions/{name}{path}").status_code == 404
    else:
        saying = f"found for actor {actor.rpartition('/')[2]}"
        world.refuse(method, f"{actor}/executions/{name}{path}", status=404, saying=saying)


class TestLogs:
    def test_grow_while_the_execution_runs_and_stay_until_they_expire(self, world: World) -> None:
        actor = world.actor()
        execution = world.message(actor)
        assert world.get(f"{execution}/logs")["logs"] == ""
        claim = world.claim(actor)
        world.store.logs.append([LogAppended(claim.execution_id, 1, "first ü\n")])
        assert world.get(f"{execution}/logs")["logs"] == "first ü\n"
        world.close(claim, "last \0 \x1b[0m\n", lifetime_seconds=60)
        response = world.send("GET", f"{execution}/logs")
        assert response.json()["message"] == "Logs retrieved successfully."
        assert response.json()["result"]["logs"] == "first ü\nlast \0 \x1b[0m\n"
        world.clock.advance(seconds=60)
        assert world.get(f"{execution}/logs")["logs"] == ""


class TestResults:
    def test_are_taken_one_by_one_in_order(self, world: World) -> None:
        actor = world.actor()
        execution = world.message(actor)
        claim = world.claim(actor)
        sent = [b"first", b"\x00\xff", b"x" * 131_072, b""]
        world.send_results(claim, sent)
        for data in (*sent, b"", b""):
            response = world.send("GET", f"{execution}/results")
            assert (response.status_code, response.content) == (200, data)
            assert response.headers["content-type"] == "application/octet-stream"

    def test_outlive_the_execution_and_expire(self, world: World) -> None:
        actor = world.actor()
        execution = world.message(actor)
        claim = world.claim(actor)
        world.send_results(claim, [b"one", b"two"], lifetime_seconds=60)
        world.close(claim)
        assert world.send("GET", f"{execution}/results").content == b"one"
        world.clock.advance(seconds=60)
        assert world.send("GET", f"{execution}/results").content == b""
