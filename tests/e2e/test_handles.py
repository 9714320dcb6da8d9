"""Actors and runs as objects, on real containers."""

from collections.abc import Iterator
from pathlib import Path

import cloudpickle
import pytest
from bench.live import until

from abaco import Abaco
from abaco.client import ActorHandle
from abaco.errors import ExecutionFailed, InvalidInput, NotFound


@pytest.fixture
def functions(ab: Abaco) -> Iterator[ActorHandle]:
    with ab.temporary_actor("abacosamples/py3_func", timeout=60) as actor:
        yield actor


def call_of(function: object, *arguments: object) -> bytes:
    data: bytes = cloudpickle.dumps({"func": function, "args": arguments, "kwargs": {}})
    return data


def test_messages_of_every_kind(ab: Abaco, tmp_path: Path) -> None:
    (tmp_path / "words").write_bytes(b"a b a")
    with ab.temporary_actor("abacosamples/wc", timeout=60) as wc, (tmp_path / "words").open("rb") as file:
        for message in ("a b a", {"text": "a b a"}, b"a b a", file):
            run = wc.send(message)
            assert run.result(timeout=60) == b'{"a": 2, "b": 1}'
            assert list(run.follow()) == ["Number of words is: 3"]
        assert wc.call("x", timeout=60) == b'{"x": 1}'
        assert [each.wait(60).exit_code for each in wc.executions()] == [0] * 5
    with pytest.raises(NotFound):
        wc.info()


def test_an_alias_and_variables(ab: Abaco) -> None:
    with ab.temporary_actor("abacosamples/test", timeout=60, default_environment={"SLEEP": "0"}) as actor:
        ab.actors.addAlias(body={"alias": "tester", "actorId": actor.name})
        tester = ab.actor("tester")
        # It sends no results: the log is what there is.
        assert "greeting=hello\n" in tester.call("hi", timeout=60, greeting="hello")
        assert "greeting=again\n" in tester.send("hi", greeting="again").result(60)


def test_python_objects_come_back(functions: ActorHandle) -> None:
    assert functions.call(call_of(lambda x: {"x": x, "all": (1.5, None)}, 3), timeout=60) == {
        "x": 3,
        "all": (1.5, None),
    }
    run = functions.send(call_of(lambda: Path))
    with pytest.raises(InvalidInput, match="trust=True"):
        run.result(60)
    assert run.result(trust=True) is Path


def test_a_failure_says_how(functions: ActorHandle) -> None:
    with pytest.raises(ExecutionFailed, match=r"exit code 1: its log ends with 'ZeroDivisionError: division by zero'"):
        functions.send(call_of(lambda: 1 / 0)).result(60)
    with pytest.raises(ExecutionFailed, match="exit code 1"):
        functions.call(call_of(lambda: 1 / 0), timeout=60)


def test_a_run_is_halted_when_its_block_is_left(ab: Abaco) -> None:
    with ab.temporary_actor("abacosamples/sleep_loop", timeout=60) as loop:
        with loop.send({"sleep": 0.1, "iterations": 6000}) as run:
            assert next(run.follow())
            until(lambda: run.status == "RUNNING")
        assert run.wait(60).reason == "halted by request"


def test_a_call_that_takes_longer_than_one_waits(ab: Abaco) -> None:
    with ab.temporary_actor("abacosamples/sleep_loop", timeout=60) as loop:
        with pytest.raises(TimeoutError):
            loop.call({"sleep": 0.1, "iterations": 6000}, timeout=0.5)
        (run,) = loop.executions()
        assert run.status in {"SUBMITTED", "RUNNING"}
