"""Logs are seen while the container runs, and limits of run time end it: real server, real containers."""

import os
import signal
import sys

import cloudpickle
import pytest
from bench.live import LiveServer, until

from abaco.client import Abaco
from abaco.pool.recorder import TRUNCATED


@pytest.fixture
def sleeper(ab: Abaco) -> str:
    actor = ab.actors.add("abacosamples/sleep_loop")
    assert ab.actors.wait(actor.id, timeout=60).status == "READY"
    return actor.id


def test_the_first_line_is_seen_while_the_container_runs(ab: Abaco, sleeper: str) -> None:
    sent = ab.messages.send(sleeper, json={"sleep": 60, "iterations": 1})
    follower = ab.logs.follow(sleeper, sent.execution_id)
    assert next(follower) == "Sleeping 1 times for 60 seconds.\n"
    assert ab.executions.get(sleeper, sent.execution_id).status == "RUNNING"
    ab.executions.halt(sleeper, sent.execution_id)
    assert list(follower) == []
    assert ab.executions.get(sleeper, sent.execution_id).reason == "halted by request"


def test_a_limit_of_the_message_ends_it_and_says_so(ab: Abaco, sleeper: str) -> None:
    sent = ab.messages.send(sleeper, json={"sleep": 60, "iterations": 1}, max_run_time=1.5)
    assert "".join(ab.logs.follow(sleeper, sent.execution_id)) == "Sleeping 1 times for 60 seconds.\n"
    execution = ab.executions.get(sleeper, sent.execution_id)
    assert (execution.status, execution.reason) == ("COMPLETE", "run time limit reached: 1.5 seconds")
    assert execution.exit_code == 137  # a first process without a handler does not notice SIGTERM


def chatter() -> None:
    import sys

    sys.stdout.buffer.write(b"\xff\x00 \xe2\x80\xa8\r" + "😀".encode() * 1_200_000)


def test_garbage_and_logs_without_end_are_streamed_as_they_are_kept(ab: Abaco) -> None:
    actor = ab.actors.add("abacosamples/py3_func")
    assert ab.actors.wait(actor.id, timeout=60).status == "READY"
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    sent = ab.messages.send(actor.id, data=cloudpickle.dumps({"func": chatter}))
    text = "".join(ab.logs.follow(actor.id, sent.execution_id))
    assert text == ab.logs.get(actor.id, sent.execution_id)
    assert text.startswith("\ufffd\ufffd \u2028\r😀")
    assert len(text) == 1_000_000 + len(TRUNCATED)
    assert text.endswith(TRUNCATED)


def test_an_execution_says_where_its_time_went(ab: Abaco, sleeper: str) -> None:
    sent = ab.messages.send(sleeper, json={"sleep": 0.2, "iterations": 1})
    ab.executions.wait(sleeper, sent.execution_id, timeout=60)
    found = ab.executions.explain(sleeper, sent.execution_id)
    assert (found.code, found.reason) == ("complete", "Its program ended with exit code 0.")
    times = found.times
    to_its_start = [times.queued, times.claimed, times.prepared, times.started]
    moments = [moment for moment in (*to_its_start, times.first_output, times.exited, times.recorded) if moment]
    assert len(moments) == 7
    assert moments == sorted(moments)
    assert found.durations.running is not None
    assert found.durations.running >= 200


def test_followers_neither_hold_up_a_stopping_api_nor_lose_anything_by_it(
    server: LiveServer, ab: Abaco, sleeper: str
) -> None:
    sent = ab.messages.send(sleeper, json={"sleep": 60, "iterations": 1})
    follower = ab.logs.follow(sleeper, sent.execution_id)
    assert next(follower) == "Sleeping 1 times for 60 seconds.\n"
    former = server.pids("api")
    os.kill(former[0], signal.SIGTERM)
    until(lambda: server.pids("api") not in ([], former), seconds=15)
    until(server.is_ready)
    with server.client() as other:
        other.executions.halt(sleeper, sent.execution_id)
    assert list(follower) == []
    assert ab.executions.get(sleeper, sent.execution_id).reason == "halted by request"
