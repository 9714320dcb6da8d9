"""The main job on real containers: register, post, execute, read."""

import hashlib
import json
from collections.abc import Iterator
from itertools import pairwise

import cloudpickle
import pytest
from bench.live import LiveServer, until

from abaco.client import Abaco, Actor, Execution
from abaco.errors import Conflict, NotFound

_CONTEXT = (
    "PATH",
    "_abaco_actor_id",
    "_abaco_actor_dbid",
    "_abaco_api_server",
    "_abaco_actor_state",
    "_abaco_actor_revision",
    "_abaco_username",
    "_abaco_execution_id",
    "_abaco_Content_Type",
    "_abaco_Content-Type",
    "_abaco_container_repo",
    "_abaco_worker_id",
    "_abaco_actor_name",
    "_abaco_access_token",
    "_actor_configs",
)


@pytest.fixture
def register(ab: Abaco) -> Iterator["Register"]:
    registrar = Register(ab)
    yield registrar
    for actor_id in registrar.ids:
        ab.actors.delete(actor_id)


class Register:
    """Registers actors and waits until they are READY."""

    def __init__(self, ab: Abaco) -> None:
        self._ab = ab
        self.ids: list[str] = []

    def __call__(self, image: str, **attributes: object) -> Actor:
        actor = self._ab.actors.add(image, **attributes)  # type: ignore[call-overload]
        self.ids.append(actor.id)
        ready = self._ab.actors.wait(actor.id, timeout=60)
        assert ready.status == "READY", ready.status_message
        return ready


def _run(ab: Abaco, actor: Actor, text: str | None = None, **message: object) -> Execution:
    sent = ab.messages.send(actor.id, text, **message)  # type: ignore[arg-type]
    return ab.executions.wait(actor.id, sent.execution_id, timeout=60)


def _wait_for_all(ab: Abaco, actor: Actor) -> None:
    until(lambda: ab.messages.count(actor.id) == 0, 300, step=0.2)
    until(lambda: all(e.status == "COMPLETE" for e in ab.executions.list(actor.id).executions), step=0.2)


def test_the_log_holds_the_message_and_the_whole_context(ab: Abaco, register: Register) -> None:
    actor = register(
        "abacosamples/test", name="tester", default_environment={"key1": "value1", "key2": 2, "SLEEP": "0"}
    )

    done = _run(ab, actor, "hi", environment={"key2": "mine"})

    assert (done.status, done.exit_code) == ("COMPLETE", 0)
    lines = ab.logs.get(actor.id, done.id).splitlines()
    assert "Contents of MSG: hi" in lines
    variables = dict(line.split("=", 1) for line in lines if "=" in line)
    assert set(_CONTEXT) <= set(variables)
    assert (variables["key1"], variables["key2"]) == ("value1", "mine")
    assert variables["_abaco_actor_name"] == "tester"
    assert variables["_abaco_username"] == "jane"
    assert variables["_abaco_execution_id"] == done.id
    assert done.raw["imageDigest"].startswith("sha256:")
    assert done.raw["cpu"] > 0


def test_a_json_message_arrives_as_a_python_literal_and_as_json(ab: Abaco, register: Register) -> None:
    actor = register("abacosamples/test", default_environment={"SLEEP": "0"})
    value = {"a": True, "b": [1, None]}

    done = _run(ab, actor, json=value)

    log = ab.logs.get(actor.id, done.id)
    assert f"Contents of MSG: {value!r}" in log
    assert f"_abaco_msg_json={json.dumps(value)}" in log


@pytest.mark.parametrize("size", [0, 1, 65_537, 100 * 1024**2])
def test_binary_messages_arrive_bit_for_bit(ab: Abaco, register: Register, size: int) -> None:
    actor = register("abacosamples/py3_func")
    pattern = hashlib.sha256(b"seed").digest()
    data = (pattern * (size // len(pattern) + 1))[:size]

    def digest() -> str:
        with open("/_abaco_binary_data", "rb") as file:  # noqa: PTH123 - runs in the container
            return hashlib.sha256(file.read()).hexdigest()

    # The function runner reads its function from the message; padding after the pickle is ignored.
    pickled = cloudpickle.dumps({"func": digest, "args": [], "kwargs": {}})
    done = _run(ab, actor, data=pickled + data)

    assert done.exit_code == 0, ab.logs.get(actor.id, done.id)
    assert cloudpickle.loads(ab.results.pop(actor.id, done.id)) == hashlib.sha256(pickled + data).hexdigest()


# A thousand, with the engine killed in their midst: tests/faults.
def test_two_hundred_messages_are_counted_right(ab: Abaco, register: Register) -> None:
    actor = register("abacosamples/wc")
    expected = {}
    for number in range(1, 201):
        words = 1 + number % 50
        expected[ab.messages.send(actor.id, "word " * words).execution_id] = words

    _wait_for_all(ab, actor)

    assert len(ab.executions.list(actor.id).executions) == 200
    for execution_id, words in expected.items():
        assert f"Number of words is: {words}\n" in ab.logs.get(actor.id, execution_id)


def test_the_accumulator_adds_up_exactly(ab: Abaco, register: Register) -> None:
    actor = register("abacosamples/sum_reducer", stateless=False)

    for number in range(1, 101):
        ab.messages.send(actor.id, json={"message": {"count": number}})
    _wait_for_all(ab, actor)

    assert ab.state.get(actor.id) == {"count": 5050}
    entries = ab.executions.list(actor.id).executions
    for earlier, later in pairwise(entries):  # P3
        assert earlier.finish_time is not None
        assert later.start_time is not None
        assert earlier.finish_time <= later.start_time


def test_a_running_execution_shows_its_log_and_can_be_halted(ab: Abaco, register: Register) -> None:
    actor = register("abacosamples/sleep_loop")
    sent = ab.messages.send(actor.id, json={"sleep": 1, "iterations": 600})
    until(lambda: ab.logs.get(actor.id, sent.execution_id) != "")

    ab.executions.halt(actor.id, sent.execution_id)

    done = ab.executions.wait(actor.id, sent.execution_id, timeout=10)
    assert (done.status, done.exit_code) == ("COMPLETE", 137)
    assert done.reason == "halted by request"
    assert ab.logs.get(actor.id, sent.execution_id) != ""
    with pytest.raises(Conflict):
        ab.executions.halt(actor.id, sent.execution_id)
    after = _run(ab, actor, json={"sleep": 0, "iterations": 1})
    assert after.exit_code == 0


def test_deleting_an_actor_stops_what_runs(server: LiveServer, ab: Abaco) -> None:
    actor = ab.actors.add("abacosamples/sleep_loop")
    ab.actors.wait(actor.id, timeout=60)
    running = ab.messages.send(actor.id, json={"sleep": 1, "iterations": 600})
    until(lambda: ab.executions.get(actor.id, running.execution_id).status == "RUNNING")

    ab.actors.delete(actor.id)

    with pytest.raises(NotFound):
        ab.actors.get(actor.id)
    with pytest.raises(NotFound):
        ab.actors.delete(actor.id)
    assert f'"execution_id": "{running.execution_id}"' in server.log


def test_an_image_that_does_not_exist_puts_the_actor_in_error(ab: Abaco, register: Register) -> None:
    actor = ab.actors.add("registry.invalid/no/such:image")
    register.ids.append(actor.id)

    failed = ab.actors.wait(actor.id, timeout=60)

    assert failed.status == "ERROR"
    assert "registry.invalid" in failed.status_message
    assert register("abacosamples/test").status == "READY"


def test_results_are_read_once_in_order(ab: Abaco, register: Register) -> None:
    actor = register("abacosamples/py3_func")

    def send_three() -> str:
        import socket

        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as results:
            results.connect("/_abaco_results.sock")
            for data in (b"one", b"x" * 131_072):
                results.send(data)
        return "three"

    done = _run(ab, actor, data=cloudpickle.dumps({"func": send_three, "args": [], "kwargs": {}}))

    one, two, three = ab.results.all(actor.id, done.id)
    assert (one, two, cloudpickle.loads(three)) == (b"one", b"x" * 131_072, "three")
    assert ab.results.pop(actor.id, done.id) == b""


def test_memory_beyond_the_limit_is_reported_as_such(ab: Abaco, register: Register) -> None:
    actor = register("abacosamples/py3_func", mem_limit="64m")

    def greedy() -> int:
        return len(bytearray(512 * 1024**2))

    done = _run(ab, actor, data=cloudpickle.dumps({"func": greedy, "args": [], "kwargs": {}}))

    assert (done.status, done.exit_code) == ("COMPLETE", 137)
    assert done.raw["finalState"]["OOMKilled"] is True
