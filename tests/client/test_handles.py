"""Actors and executions as handles: sending, waiting, results."""

import io
import json
import pickle
from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import cloudpickle
import httpx
import pytest

from abaco import Abaco
from abaco.client import ActorHandle, Message, Run
from abaco.errors import Conflict, ExecutionFailed, InvalidInput, NotFound, Unavailable

from .fake_server import FakeClock, FakeServer, event

ACTOR, EXECUTION = "Actor00000001", "Exec000000001"


@pytest.fixture
def actor(ab: Abaco, server: FakeServer) -> ActorHandle:
    server.add_actor(ACTOR)
    return ab.actor(ACTOR)


@pytest.fixture
def run(actor: ActorHandle) -> Run:
    return actor.send("hi")


def ends(server: FakeServer, status: str = "COMPLETE", **attributes: Any) -> None:
    server.executions[EXECUTION].update({"status": status, "exitCode": 0, **attributes})


def test_a_handle_asks_nothing_until_it_must(ab: Abaco, server: FakeServer) -> None:
    actor = ab.actor("wc")
    assert repr(actor) == "ActorHandle('wc')"
    assert repr(actor.execution("e")) == "Run(id='e', actor='wc')"
    assert server.requests == []
    with pytest.raises(NotFound):
        actor.info()
    with pytest.raises(InvalidInput, match="empty"):
        ab.actor("")


@pytest.mark.parametrize(
    ("message", "content", "kind"),
    [
        ("text", b'{"message":"text"}', "application/json"),
        ({"a": [1]}, b'{"a":[1]}', "application/json"),
        ([1, None], b"[1,null]", "application/json"),
        (None, b"null", "application/json"),
        (b"\xff", b"\xff", "application/octet-stream"),
        (bytearray(b"\xff"), b"\xff", "application/octet-stream"),
        (memoryview(b"\xff"), b"\xff", "application/octet-stream"),
        (io.BytesIO(b"\xff"), b"\xff", "application/octet-stream"),
    ],
)
def test_the_kind_of_message_is_that_of_its_value(
    actor: ActorHandle, server: FakeServer, message: Any, content: bytes, kind: str
) -> None:
    run = actor.send(message, KEY=1, max_run_time=2.5)
    assert (run.id, run.actor) == (EXECUTION, ACTOR)
    request = server.requests[-1]
    assert request.content == content
    assert request.headers["Content-Type"] == kind
    assert dict(request.url.params) == {"KEY": "1", "_abaco_max_run_time": "2.5"}


def test_what_cannot_be_sent(actor: ActorHandle, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("text")
    with pytest.raises(InvalidInput, match="JSON"):
        actor.send({1, 2})
    with pytest.raises(InvalidInput, match="cannot be set"):
        actor.send("hi", message="no")
    with (tmp_path / "text").open() as file, pytest.raises(InvalidInput, match="'rb'"):
        actor.send(file)


def test_the_first_result_comes_before_the_end(run: Run, server: FakeServer, clock: FakeClock) -> None:
    def poll(execution: dict[str, Any]) -> None:
        execution["status"] = "RUNNING"
        if len(clock.slept) == 3 and EXECUTION not in server.results:
            server.results[EXECUTION] = [b"one", b"two"]

    server.on_poll = poll
    assert run.result() == b"one"
    assert run.result() == b"one"
    assert run.status == "RUNNING"
    server.on_poll = lambda _: None
    ends(server)
    assert run.results() == [b"one", b"two"]
    assert run.results() == [b"one", b"two"]


def test_without_results_the_log_is_the_result(run: Run, server: FakeServer) -> None:
    server.logs[EXECUTION] = "Number of words is: 1\n"
    ends(server)
    assert run.result() == run.log() == "Number of words is: 1\n"
    assert run.results() == []
    assert run.wait().exit_code == 0


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ({"status": "ERROR", "finalState": {"Error": "no such command"}}, r"ended in ERROR: no such command\.$"),
        ({"status": "ERROR"}, r"ended in ERROR: no reason is known\.$"),
        ({"exitCode": 3}, r"ended with exit code 3: its log ends with 'ValueError: x'\.$"),
        ({"exitCode": 137, "finalState": {"Error": "out of memory"}}, r"ended with exit code 137: out of memory\.$"),
    ],
)
def test_a_failure_without_result_is_an_error(run: Run, server: FakeServer, end: dict[str, Any], words: str) -> None:
    server.logs[EXECUTION] = "Traceback\nValueError: x\n"
    ends(server, **end)
    with pytest.raises(ExecutionFailed, match=words):
        run.result()
    server.results[EXECUTION] = [b"sent before it failed"]
    assert run.result() == b"sent before it failed"


def test_waiting_has_an_end(run: Run, clock: FakeClock) -> None:
    with pytest.raises(TimeoutError, match="neither a result nor ended after 10 seconds"):
        run.result(timeout=10)
    assert sum(clock.slept) == pytest.approx(10)
    for wait in (run.wait, run.results):
        with pytest.raises(TimeoutError, match="still SUBMITTED"):
            wait(timeout=1)


@pytest.mark.parametrize(
    "value",
    [
        None,
        {"a": [1, 2.5, "x", b"\x00", True], "b": ({1, 2}, frozenset({3}))},
        1 + 2j,
        datetime(2026, 1, 2, tzinfo=UTC),
        timedelta(seconds=1),
        Decimal("1.5"),
        OrderedDict(a=1),
        deque([1]),
    ],
)
@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_plain_values_come_back(run: Run, server: FakeServer, value: Any, protocol: int) -> None:
    server.results[EXECUTION] = [cloudpickle.dumps(value, protocol=protocol)]
    assert run.result() == value


class Evil:
    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (Path("evil"),)


@pytest.mark.parametrize("value", [Evil(), Fraction(1, 2), len, Path, [{"deep": Evil}]])
def test_values_that_could_run_code_need_trust(
    run: Run, server: FakeServer, value: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    server.results[EXECUTION] = [pickle.dumps(value)]
    with pytest.raises(InvalidInput, match="trust=True"):
        run.result()
    assert not (tmp_path / "evil").exists()
    read = run.result(trust=True)
    assert read == value or isinstance(value, Evil)


@pytest.mark.parametrize("data", [b"\x80", b"\x80\x04.", b"\x80\x05not a pickle.", b"\x80\x04N", b"{}", b"\x89PNG."])
def test_other_bytes_come_back_as_they_are(run: Run, server: FakeServer, data: bytes) -> None:
    server.results[EXECUTION] = [data]
    assert run.result() == data
    assert run.result(trust=True) == data


def test_a_log_is_followed_by_lines(run: Run, server: FakeServer) -> None:
    server.streams = [
        event("log", "one\ntw", "1-6")
        + event("log", "o\n\nthr", "1-12")
        + event("log", "ee", "1-14")
        + event("end", {"status": "COMPLETE"}, "1-14")
    ]
    assert list(run.follow()) == ["one", "two", "", "three"]


def test_a_lost_attempt_takes_its_half_line_along(run: Run, server: FakeServer) -> None:
    restarts: list[None] = []
    server.streams = [
        event("log", "one\nhal", "1-7")
        + event("restart", {"attempt": 2}, "2-0")
        + event("log", "again\n", "2-6")
        + event("end", {}, "2-6")
    ]
    assert list(run.follow(lambda: restarts.append(None))) == ["one", "again"]
    assert restarts == [None]


def test_a_run_is_halted_at_the_end_of_its_block(actor: ActorHandle, server: FakeServer) -> None:
    with actor.send("hi") as run:
        server.executions[EXECUTION]["status"] = "RUNNING"
    assert server.requests[-1].method == "DELETE"
    assert server.requests[-1].url.path.endswith(run.id)
    server.executions[EXECUTION]["status"] = "COMPLETE"
    with run:
        pass
    with pytest.raises(Conflict):
        run.halt()


def test_executions_are_handles(actor: ActorHandle, server: FakeServer) -> None:
    actor.send("hi")
    assert [(each.id, each.status) for each in actor.executions()] == [(EXECUTION, "SUBMITTED")]


def answer(data: bytes, kind: str, **more: Any) -> httpx.Response:
    return httpx.Response(
        content=data, headers={"Content-Type": kind, "X-Abaco-Execution-Id": EXECUTION}, **{"status_code": 200, **more}
    )


def test_a_call_is_answered_with_the_result(actor: ActorHandle, server: FakeServer) -> None:
    server.answers = [
        answer(b"raw", "application/octet-stream"),
        answer(pickle.dumps([1]), "application/octet-stream"),
    ]
    assert actor.call("hi", KEY="v") == b"raw"
    assert dict(server.requests[-1].url.params) == {"KEY": "v", "_abaco_synchronous": "true"}
    assert json.loads(server.requests[-1].content) == {"message": "hi"}
    assert server.requests[-1].extensions["timeout"]["read"] is None
    assert actor.call({"a": 1}, timeout=7) == [1]
    assert server.requests[-1].extensions["timeout"]["read"] == 7


def test_a_call_without_a_result_is_as_a_run_without(actor: ActorHandle, server: FakeServer) -> None:
    server.add_execution(ACTOR, EXECUTION)
    server.logs[EXECUTION] = "the log"
    server.answers = [answer(b"the log", "text/html; charset=utf-8") for _ in range(2)]
    ends(server)
    assert actor.call("hi") == "the log"
    ends(server, exitCode=1)
    with pytest.raises(ExecutionFailed, match="exit code 1"):
        actor.call("hi")


def test_a_call_that_the_server_waits_for_no_longer_goes_on(actor: ActorHandle, server: FakeServer) -> None:
    server.add_execution(ACTOR, EXECUTION)
    envelope = json.dumps({"result": {"executionId": EXECUTION, "msg": "hi"}}).encode()
    server.answers = [answer(envelope, "application/json", status_code=202)]
    server.results[EXECUTION] = [b"late"]
    assert actor.call("hi") == b"late"


def test_a_call_that_takes_too_long(actor: ActorHandle, server: FakeServer) -> None:
    server.failures = [httpx.ReadTimeout("timed out")]
    with pytest.raises(TimeoutError, match="has not answered after 2 seconds"):
        actor.call("hi", timeout=2)
    server.takes_keys = False
    server.failures = [httpx.ReadError("broken")]
    with pytest.raises(Unavailable, match="may have been carried out"):
        actor.call("hi")


def test_a_call_that_broke_waits_for_the_same_execution(actor: ActorHandle, server: FakeServer) -> None:
    server.failures = [httpx.ReadError("broken")]
    server.answers = [httpx.Response(200, content=b"result", headers={"Content-Type": "application/octet-stream"})]
    assert actor.call("hi") == b"result"
    first, _, again = server.requests
    assert first.url == again.url
    assert first.headers["Idempotency-Key"] == again.headers["Idempotency-Key"]


def test_a_call_that_fails(actor: ActorHandle, server: FakeServer) -> None:
    refusal = {"message": "The execution ended in ERROR.", "status": "error", "result": None}
    server.answers = [
        httpx.Response(500, json=refusal, headers={"X-Abaco-Error-Code": "execution_failed"}),
    ]
    with pytest.raises(ExecutionFailed, match="ended in ERROR"):
        actor.call("hi")


def test_a_temporary_actor_is_deleted(ab: Abaco, server: FakeServer) -> None:
    def ready(found: dict[str, Any]) -> None:
        found["status"] = "READY"

    server.on_poll = ready
    with ab.temporary_actor("abacosamples/wc", name="short") as actor:
        assert actor.info().name == "short"
        assert actor.status == "READY"
    assert server.actors == {}
    with ab.temporary_actor("abacosamples/wc") as actor:
        actor.delete()


def test_a_temporary_actor_that_cannot_be_is_deleted_too(ab: Abaco, server: FakeServer) -> None:
    def fail(found: dict[str, Any]) -> None:
        found.update(status="ERROR", statusMessage="no such image")

    server.on_poll = fail
    with pytest.raises(Conflict, match="no such image"), ab.temporary_actor("x"):
        pytest.fail("it is not ready")
    assert server.actors == {}


def test_a_message_may_be_delayed(actor: ActorHandle, server: FakeServer) -> None:
    moment = datetime(2026, 5, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    for given, text in ((90, "90.000000"), (0.5, "0.500000"), (moment, "2026-05-01T10:00:00+00:00")):
        actor.send("hi", not_before=given)
        assert dict(server.requests[-1].url.params) == {"_abaco_not_before": text}


def test_many_messages_are_sent_in_one_request(actor: ActorHandle, server: FakeServer) -> None:
    own = Message(message=[1], environment={"A": 1}, not_before=2.5, key="k")
    runs = actor.send_many(["text", {"message": "x", "b": None}, own], idempotency_key="all", not_before=60, B="2")
    assert [run.id for run in runs] == ["e0", "e1", "e2"]
    [request] = server.requests
    assert request.url.path == f"/actors/v2/{ACTOR}/messages/batch"
    assert dict(request.url.params) == {"B": "2", "_abaco_not_before": "60.000000"}
    assert (request.headers["Idempotency-Key"], request.headers["Content-Type"]) == ("all-0", "application/x-ndjson")
    assert [json.loads(line) for line in request.content.splitlines()] == [
        {"message": "text"},
        {"message": {"message": "x", "b": None}},
        {"message": [1], "environment": {"A": "1"}, "notBefore": "2.500000", "key": "k"},
    ]
    assert actor.send_many([]) == []


def test_very_many_messages_are_several_requests(actor: ActorHandle, server: FakeServer) -> None:
    assert len(actor.send_many((str(n) for n in range(20_001)), idempotency_key="k")) == 20_001
    assert [len(request.content.splitlines()) for request in server.requests] == [10_000, 10_000, 1]
    assert [request.headers["Idempotency-Key"] for request in server.requests] == ["k-0", "k-1", "k-2"]
    server.requests.clear()
    actor.send_many(["x" * 12 * 1024**2] * 3)
    assert [len(request.content.splitlines()) for request in server.requests] == [2, 1]


@pytest.mark.parametrize(
    "message", [b"bytes", io.BytesIO(b"file"), float("nan"), Message(message=1, environment={"": 1})]
)
def test_what_cannot_be_in_a_batch_is_refused(actor: ActorHandle, server: FakeServer, message: Any) -> None:
    with pytest.raises(InvalidInput):
        actor.send_many(["good", message])
    assert server.requests == []
