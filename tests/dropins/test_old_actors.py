"""Actor programs as users wrote them for TACC Abaco run unedited in our image: agavepy and tapipy are drop-ins."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import cloudpickle
import httpx
import pytest
from bench.live import SAMPLES, LiveServer, live_server, until
from dropins.archives import derive

from abaco.client import Abaco, Execution

PROGRAMS = Path(__file__).parent / "programs"
IMAGE = "someone/old-programs"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("dropins")
    derive(SAMPLES / "abacosamples_py3_base.tar", PROGRAMS, folder / "image.tar")
    with live_server(folder / "data", "test", nonce_in_environment="true") as running:
        running.admin("image", "import", str(folder / "image.tar"), IMAGE)
        yield running


@pytest.fixture(scope="module")
def ab(server: LiveServer) -> Iterator[Abaco]:
    with server.client() as client:
        yield client


class OldActors:
    """Registers an actor of a program, sends it messages and waits."""

    def __init__(self, ab: Abaco) -> None:
        self._ab = ab

    def register(self, program: str, environment: Mapping[str, str] | None = None, **attributes: Any) -> str:
        variables = {"PROGRAM": f"/{program}.py", **(environment or {})}
        return self._ab.actors.add(IMAGE, default_environment=variables, **attributes).id

    def run(self, actor_id: str, text: str | None = None, **message: Any) -> Execution:
        sent = self._ab.messages.send(actor_id, text, **message)
        done = self._ab.executions.wait(actor_id, sent.execution_id, timeout=60)
        assert (done.status, done.exit_code) == ("COMPLETE", 0), self._ab.logs.get(actor_id, done.id)
        return done

    def log(self, actor_id: str, text: str | None = None, **message: Any) -> list[str]:
        done = self.run(actor_id, text, **message)
        return self._ab.logs.get(actor_id, done.id).splitlines()


@pytest.fixture
def old(ab: Abaco) -> OldActors:
    return OldActors(ab)


def test_the_word_counter_of_the_getting_started(old: OldActors) -> None:
    actor = old.register("word_count")

    assert old.log(actor, "Actor, please count these words.") == ["Number of words is: 5"]


def test_a_reducer_keeps_its_sum_in_the_state_as_a_literal(old: OldActors, ab: Abaco) -> None:
    actor = old.register("accumulator", stateless=False)

    old.run(actor, json={"count": 20})
    done = old.run(actor, "{'count': 22}")

    assert ab.state.get(actor) == {"total": 42, "last": done.id}


def test_an_actor_messages_another_by_its_client(old: OldActors, ab: Abaco) -> None:
    reducer = ab.actors.add("abacosamples/test", default_environment={"SLEEP": "0"}).id
    actor = old.register("map_reduce", token=True)

    done = old.run(actor, json={"text": "to be or not to be", "reducer": reducer})

    first, link = ab.logs.get(actor, done.id).splitlines()
    sent = ab.executions.wait(reducer, first.removeprefix("execution: "), timeout=60)
    assert link.endswith(f"/actors/v2/{reducer}/executions/{sent.id}")
    log = ab.logs.get(reducer, sent.id).splitlines()
    assert "Contents of MSG: {'count': 6}" in log
    assert f"sent_by={actor}" in log
    assert json.loads(ab.results.pop(actor, done.id)) == {"to": 2, "be": 2, "or": 1, "not": 1}


def test_an_actor_messages_itself_with_the_nonce_it_was_called_by(
    old: OldActors, ab: Abaco, server: LiveServer
) -> None:
    actor = old.register("countdown")
    owner = {"Authorization": f"Bearer {server.token}"}
    url = f"{server.url}/actors/v2/{actor}"
    made = httpx.post(f"{url}/nonces", json={"maxUses": 4, "level": "EXECUTE"}, headers=owner).json()["result"]

    httpx.post(f"{url}/messages", params={"x-nonce": made["id"]}, json={"message": "3"}).raise_for_status()

    until(lambda: [e.status for e in ab.executions.list(actor).executions] == ["COMPLETE"] * 4)
    logs = [ab.logs.get(actor, e.id) for e in ab.executions.list(actor).executions]
    assert logs == ["left: 3\n", "left: 2\n", "left: 1\n", "left: 0\n"]
    nonce = httpx.get(f"{url}/nonces/{made['id']}", headers=owner).json()["result"]
    assert (nonce["currentUses"], nonce["remainingUses"]) == (4, 0)


def test_a_classifier_reads_the_whole_binary_message(old: OldActors) -> None:
    actor = old.register("classifier")

    assert old.log(actor, data=b"\xff\xd8\xff" + bytes(300_000)) == [
        "content type: application/octet-stream",
        "raw message: None",
        "label: jpeg (300003 bytes)",
    ]


def test_a_function_runner_returns_python_objects(old: OldActors, ab: Abaco) -> None:
    actor = old.register("function_runner")
    call = cloudpickle.dumps({"func": lambda x, y: {x: y + 1}, "args": ["answer"], "kwargs": {"y": 41}})

    done = old.run(actor, data=call)

    assert cloudpickle.loads(ab.results.pop(actor, done.id)) == {"answer": 42}


def test_the_context_is_what_it_was(old: OldActors) -> None:
    actor = old.register("environment", {"color": "blue", "greeting": "hello"})

    log = old.log(actor, json={"application_id": "print-env"}, environment={"greeting": "servus"})

    assert log == [
        "greeting=servus",
        "color=blue",
        "user=jane",
        "application=print-env",
        "ids=True",
        "types=application/json application/json",
        "content_type=application/json",
        "has=False",
        "reserved=True",
    ]


def test_an_actor_looks_after_itself_by_its_client(old: OldActors) -> None:
    actor = old.register("supervisor", name="overseer", stateless=False, token=True)

    name, running, state, error = old.log(actor, "look")

    assert (name, running, state) == ("name: overseer", "running: True", "state: {'seen': 1}")
    assert "nosuchactor12" in error


def test_an_actor_written_for_tapis(old: OldActors, ab: Abaco) -> None:
    following = ab.actors.add("abacosamples/test", default_environment={"SLEEP": "0"}).id
    actor = old.register("tapis_state", stateless=False, token=True)

    *log, sent = old.log(actor, json={"key": "value", "next": following})

    assert log == [
        "message: value",
        "content type: application/json",
        f"image: {IMAGE}",
        "state: value",
    ]
    done = ab.executions.wait(following, sent.removeprefix("sent: "), timeout=60)
    assert "Contents of MSG: from tapis" in ab.logs.get(following, done.id)
    assert ab.state.get(actor) == {"key": "value"}
