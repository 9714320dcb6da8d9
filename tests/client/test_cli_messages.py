import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from abaco.errors import InternalError

from .conftest import RunAbaco
from .fake_server import FakeServer, event
from .test_cli import Capture, one_error_line
from .test_resources import becomes

ACTOR = "AbcActor00001"
EXECUTION = "Exec000000001"


@pytest.fixture(autouse=True)
def actor(server: FakeServer) -> None:
    server.add_actor(ACTOR, name="counter")


def test_send_prints_the_id_of_the_execution(server: FakeServer, abaco: RunAbaco, capsys: Capture) -> None:
    assert abaco("send", "counter", "hi", "--env", "K=v=w", "--env", "L=") == 0
    assert capsys.readouterr().out == f"{EXECUTION}\n"
    assert json.loads(server.requests[-1].content) == {"message": "hi"}
    assert dict(server.requests[-1].url.params) == {"K": "v=w", "L": ""}
    assert abaco("send", "counter", "hi", "-o", "json") == 0
    assert json.loads(capsys.readouterr().out)["executionId"] == EXECUTION
    assert abaco("send", "counter", "hi", "--max-run-time", "2.5") == 0
    assert dict(server.requests[-1].url.params) == {"_abaco_max_run_time": "2.5"}


def test_send_json_and_files(server: FakeServer, abaco: RunAbaco, tmp_path: Path, stdin: Any) -> None:
    assert abaco("send", "counter", "--json", '{"a": [1, null]}') == 0
    assert json.loads(server.requests[-1].content) == {"a": [1, None]}
    (tmp_path / "f").write_bytes(b"\x00\xff")
    assert abaco("send", "counter", "--file", str(tmp_path / "f")) == 0
    assert server.requests[-1].content == b"\x00\xff"
    stdin(b"\xfe\x00")
    assert abaco("send", "counter", "--file", "-") == 0
    assert server.requests[-1].content == b"\xfe\x00"
    assert server.requests[-1].headers["Content-Type"] == "application/octet-stream"


@pytest.mark.parametrize("arguments", [[], ["-"]])
def test_send_what_is_piped_in(server: FakeServer, abaco: RunAbaco, stdin: Any, arguments: list[str]) -> None:
    stdin("zwölf\n".encode())
    assert abaco("send", "counter", *arguments) == 0
    assert json.loads(server.requests[-1].content) == {"message": "zwölf\n"}


@pytest.mark.parametrize(
    ("arguments", "piped", "text"),
    [
        (["--json", "{'a': 1}"], b"", "--json is not JSON"),
        (["--json", "NaN"], b"", "cannot be sent as JSON"),
        (["--json", "[" * 100_000], b"", "--json is not JSON"),
        (["--json", '{"message": 1, "b": 2}'], b"", "rename the key"),
        (["--file", "/nonexistent"], b"", "--file cannot be read"),
        (["--file", "/"], b"", "--file cannot be read"),
        (["--file", "a\0b"], b"", "--file cannot be read"),
        (["hi", "--json", "1"], b"", "TEXT and --json are several messages"),
        (["hi", "--env", "=x"], b"", "NAME=VALUE"),
        (["hi", "--env", "message=x"], b"", "another name"),
        ([], b"", "empty text"),
        ([], b"\xff", "not UTF-8"),
        (["\udcff"], b"", "cannot be sent as JSON"),
    ],
)
def test_odd_messages_are_refused_before_anything_is_sent(
    server: FakeServer, abaco: RunAbaco, capsys: Capture, stdin: Any, arguments: list[str], piped: bytes, text: str
) -> None:
    stdin(piped)
    assert abaco("send", "counter", *arguments) == 2
    assert text in one_error_line(capsys)
    assert not [request for request in server.requests if request.method == "POST"]


def test_send_without_a_message_on_a_terminal(abaco: RunAbaco, capsys: Capture, stdin: Any) -> None:
    stdin(b"", tty=True)
    assert abaco("send", "counter") == 2
    assert "what is the message?" in one_error_line(capsys)


@pytest.mark.parametrize(("exit_code", "code"), [(0, 0), (3, 3), (137, 137), ("undetermined", 1), (256, 1), (None, 1)])
def test_wait_prints_the_logs_and_exits_as_the_execution_did(
    server: FakeServer, abaco: RunAbaco, capfdbinary: pytest.CaptureFixture[bytes], exit_code: object, code: int
) -> None:
    server.add_execution(ACTOR, EXECUTION, exitCode=exit_code)
    server.logs[EXECUTION] = "wörds \x1b[1m3\n"
    server.on_poll = becomes("READY", "SUBMITTED", "RUNNING", "COMPLETE")
    assert abaco("send", "counter", "hi", "--wait") == code
    assert capfdbinary.readouterr() == ("wörds \x1b[1m3\n".encode(), b"")


def test_wait_tells_why_a_container_was_stopped(server: FakeServer, abaco: RunAbaco, capsys: Capture) -> None:
    server.add_execution(ACTOR, EXECUTION, status="COMPLETE", exitCode=137, finalState={"Error": "out of memory"})
    assert abaco("send", "counter", "hi", "--wait", "-o", "json") == 137
    out = capsys.readouterr()
    assert json.loads(out.out)["exitCode"] == 137
    assert out.err == f"abaco: execution {EXECUTION}: out of memory\n"


def test_wait_for_an_execution_that_cannot_be_run(server: FakeServer, abaco: RunAbaco, capsys: Capture) -> None:
    server.add_execution(ACTOR, EXECUTION, status="ERROR", finalState={"Error": "exec: no such file"})
    assert abaco("send", "counter", "hi", "--wait") == 1
    assert "ended in ERROR: exec: no such file" in one_error_line(capsys)


def test_ctrl_c_while_waiting_leaves_the_way_to_stop_it(server: FakeServer, abaco: RunAbaco, capsys: Capture) -> None:
    def interrupt(found: dict[str, Any]) -> None:
        if found["id"] == EXECUTION:
            raise KeyboardInterrupt

    server.on_poll = interrupt
    assert abaco("send", "counter", "hi", "--wait") == 130
    assert f"'abaco executions halt {ACTOR} {EXECUTION}' stops it" in capsys.readouterr().err


def test_executions_by_id_beginning_and_latest(server: FakeServer, abaco: RunAbaco, capsys: Capture) -> None:
    for name in ("Aaa0000000001", "Aab0000000002", "Baa0000000003"):
        server.add_execution(ACTOR, name, status="RUNNING")
        server.logs[name] = f"log of {name}"
    for given, name in (["Aab"], "Aab0000000002"), (["Aaa0000000001"], "Aaa0000000001"), ([], "Baa0000000003"):
        assert abaco("logs", "counter", *given) == 0
        assert capsys.readouterr().out == f"log of {name}"
    assert abaco("executions", "halt", "counter", "B") == 0
    assert capsys.readouterr().out == "Baa0000000003\n"
    assert abaco("executions", "show", "counter", "Aa") == 2
    assert "2 executions: Aaa0000000001, Aab0000000002" in one_error_line(capsys)
    assert abaco("executions", "show", "counter", "") == 3


def test_an_actor_without_executions(abaco: RunAbaco, capsys: Capture) -> None:
    assert abaco("logs", "counter") == 3
    assert "has no executions" in one_error_line(capsys)


def test_executions_list_and_show(server: FakeServer, abaco: RunAbaco, capsys: Capture) -> None:
    for name in ("Aaa0000000001", "Aab0000000002"):
        server.add_execution(ACTOR, name, startTime=None)
    assert abaco("executions", "list", "counter", "--last", "1") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["Aab0000000002", "SUBMITTED", "2026-01-02", "03:04:05", "-", "-"]
    assert len(lines) == 2
    assert abaco("executions", "list", "counter", "-o", "json") == 0
    assert len(json.loads(capsys.readouterr().out)["executions"]) == 2
    assert abaco("executions", "show", "counter", "Aaa", "-o", "json") == 0
    assert json.loads(capsys.readouterr().out) == server.executions["Aaa0000000001"]
    assert abaco("executions", "show", "counter", "-o", "json") == 0
    assert json.loads(capsys.readouterr().out) == server.executions["Aab0000000002"]


def test_logs_follow(server: FakeServer, abaco: RunAbaco, capsys: Capture) -> None:
    server.add_execution(ACTOR, EXECUTION)
    server.streams = [event("log", "a", "1:1") + event("log", "\x1b[1mb\r\n", "1:2") + event("end", {}, "1:2")]
    assert abaco("logs", "counter", EXECUTION, "-f") == 0
    assert capsys.readouterr().out == "a\x1b[1mb\r\n"


def test_logs_that_start_over_say_so(server: FakeServer, abaco: RunAbaco, capsys: Capture) -> None:
    server.add_execution(ACTOR, EXECUTION)
    server.streams = [event("log", "a\n", "1:2") + event("restart", {"attempts": 2}, "2:0") + event("end", {}, "2:0")]
    assert abaco("logs", "counter", EXECUTION, "--follow") == 0
    out = capsys.readouterr()
    assert out.out == "a\n"
    assert "starts over" in out.err


def test_results_are_bytes(server: FakeServer, abaco: RunAbaco, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    server.add_execution(ACTOR, EXECUTION)
    server.results[EXECUTION] = [b"\xff\x00\n", b"2", b"3"]
    assert abaco("results", "counter") == 0
    assert capfdbinary.readouterr().out == b"\xff\x00\n"
    assert abaco("results", "counter", "--all") == 0
    assert capfdbinary.readouterr().out == b"23"
    assert abaco("results", "counter") == 3
    assert b"no (more) results" in capfdbinary.readouterr().err


LINES = b""""text"
{"a": 1}

{"message": "more", "environment": {"X": 1}, "key": "k", "notBefore": 5}
"""
SENT_LINES = [
    {"message": "text"},
    {"message": {"a": 1}},
    {"message": "more", "environment": {"X": "1"}, "notBefore": "5.000000", "key": "k"},
]


@pytest.mark.parametrize("source", ["-", "f.jsonl"])
def test_send_a_batch(
    server: FakeServer, abaco: RunAbaco, capsys: Capture, tmp_path: Path, stdin: Any, source: str
) -> None:
    stdin(LINES)
    (tmp_path / "f.jsonl").write_bytes(LINES)
    file = "-" if source == "-" else str(tmp_path / source)
    assert abaco("send", "counter", "--batch", file, "--env", "A=b", "--key", "all", "--not-before", "2.5") == 0
    assert capsys.readouterr().out == "e0\ne1\ne2\n"
    request = server.requests[-1]
    assert [json.loads(line) for line in request.content.splitlines()] == SENT_LINES
    assert dict(request.url.params) == {"A": "b", "_abaco_not_before": "2.500000"}
    assert request.headers["Idempotency-Key"] == "all-0"
    stdin(LINES)
    assert abaco("send", "counter", "--batch", "-", "-o", "json") == 0
    assert json.loads(capsys.readouterr().out) == [{"executionId": f"e{number}"} for number in range(3)]
    stdin(LINES)
    assert abaco("send", "counter", "--batch", "-", "-o", "id") == 0
    assert capsys.readouterr().out == "e0\ne1\ne2\n"


def test_send_later_and_under_a_key(server: FakeServer, abaco: RunAbaco) -> None:
    assert abaco("send", "counter", "hi", "--key", "k", "--not-before", "2026-05-01T12:00+02:00") == 0
    request = server.requests[-1]
    assert dict(request.url.params) == {"_abaco_not_before": "2026-05-01T10:00:00+00:00"}
    assert request.headers["Idempotency-Key"] == "k"


@pytest.mark.parametrize(
    ("arguments", "piped", "text"),
    [
        (["--batch", "-", "hi"], b"", "leave TEXT out"),
        (["--batch", "-", "--wait"], b"1", "leave --wait out"),
        (["--batch", "/nonexistent"], b"", "--batch cannot be read"),
        (["--batch", "-"], b"\n", "no line with a message"),
        (["--batch", "-"], b"1\nnonsense", "line 2 of --batch: this is not JSON"),
        (["--batch", "-"], b"\xff", "line 1 of --batch: this is not JSON"),
        (["--batch", "-"], b'{"message": 1, "b": 2}', "line 1 of --batch: it has a message, and 'b'"),
        (["--batch", "-"], b'{"message": 1, "environment": 2}', "environment is an object"),
        (["--batch", "-"], b'{"message": 1, "notBefore": "soon"}', "is no time to wait for"),
        (["--batch", "-"], b'1\n\n{"message": 1, "notBefore": -5}', "line 3 of --batch: '-5' is no time to wait for"),
        (["--batch", "-"], b"1\nNaN", "line 2 of --batch: this value cannot be sent as JSON"),
        (["--batch", "-"], b'"\\ud800"', "line 1 of --batch: this value cannot be sent as JSON"),
        (["--batch", "-"], b'1\n{"message": 1, "environment": {"message": 1}}', "line 2 of --batch: 'message' cannot"),
        (["hi", "--not-before", "soon"], b"", "is no time to wait for"),
        (["--batch", "-", "--key", "k" * 254], b"1", "--key is too long"),
        (["hi", "--not-before", "nan"], b"", "is no time to wait for"),
        (["hi", "--not-before", "0001-01-01T00:00+14:00"], b"", "is no time to wait for"),
    ],
)
def test_send_says_what_is_wrong_with_a_batch(
    server: FakeServer, abaco: RunAbaco, capsys: Capture, stdin: Any, arguments: list[str], piped: bytes, text: str
) -> None:
    stdin(piped)
    assert abaco("send", "counter", *arguments) == 2
    assert text in one_error_line(capsys)
    assert not [request for request in server.requests if request.method == "POST"]


@pytest.mark.parametrize(("trouble", "code"), [(httpx.ReadError("reset"), 5), (InternalError("a proxy's 502"), 1)])
def test_a_batch_in_doubt_says_by_which_key_it_can_be_sent_again(
    server: FakeServer, abaco: RunAbaco, capsys: Capture, stdin: Any, trouble: Exception, code: int
) -> None:
    def lose(request: httpx.Request) -> None:
        if request.url.path.endswith("/batch"):
            raise trouble

    server.on_request = lose
    stdin(LINES)
    assert abaco("send", "counter", "--batch", "-") == code
    error = one_error_line(capsys)
    key = next(each.headers["Idempotency-Key"] for each in server.requests if each.method == "POST")[: -len("-0")]
    assert f"0 of 3 messages are known to be sent: the same command with --key {key} sends only the rest." in error


def test_ctrl_c_in_a_batch_tells_the_key(server: FakeServer, abaco: RunAbaco, capsys: Capture, stdin: Any) -> None:
    def interrupt(request: httpx.Request) -> None:
        if request.url.path.endswith("/batch"):
            raise KeyboardInterrupt

    server.on_request = interrupt
    stdin(LINES)
    assert abaco("send", "counter", "--batch", "-", "--key", "a b") == 130
    assert "the same command with --key 'a b' sends only the rest" in capsys.readouterr().err
