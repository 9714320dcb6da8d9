"""What a worker is told to run: limits, user, token, variables, binary data."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from engine.rig import LIMITS, TOKENS, Rig
from store.scene import NOW, new_message, outcome

from abaco.domain.execution import StopReason
from abaco.domain.message import ContentType, Payload
from abaco.domain.mount import MountPoint, MountRules
from abaco.domain.queue import Queue
from abaco.domain.user import ExecutionGrant
from abaco.ports import ContainerSpec, Mount, Task
from abaco.store.sql import SqlStore


def _task(store: SqlStore, message: dict[str, Any] | None = None, **actor: Any) -> Task:
    rig = Rig(store, limits=replace(LIMITS, **actor.pop("limits", {})), queues=actor.pop("queues", None))
    rig.ready_actor(**actor)
    store.mailbox.add([new_message("e1", **(message or {}))])
    rig.turn("message:actor1")
    rig.pool.ready()
    rig.turn()
    return rig.pool.running["e1"][1]


def _spec(store: SqlStore, **actor: Any) -> ContainerSpec:
    return _task(store, **actor).spec


def test_settings_hold_where_the_actor_does_not_say(store: SqlStore) -> None:
    task = _task(store, queues={"default": Queue(4, "64m", 1_500_000_000)})
    spec = task.spec
    assert (task.attempt, task.max_log_characters) == (1, LIMITS.max_log_length)
    assert (spec.memory, spec.cpus, spec.pids) == (64 * 1024**2, 1.5, 100)
    assert (spec.max_run_seconds, spec.stop_grace_seconds) == (60, 3)
    assert spec.user is None
    assert spec.binary is None


def test_the_actors_own_limits_come_first(store: SqlStore) -> None:
    spec = _spec(store, queues={"default": Queue(4, "64m", 10**9)}, mem_limit="128m", max_cpus=500_000_000)
    assert (spec.memory, spec.cpus) == (128 * 1024**2, 0.5)


def test_minus_one_is_no_limit(store: SqlStore) -> None:
    queues = {"default": Queue(4, "64m", 10**9)}
    spec = _spec(store, queues=queues, limits={"max_run_seconds": 0}, mem_limit="-1", max_cpus=-1)
    assert (spec.memory, spec.cpus, spec.max_run_seconds) == (None, None, None)


@pytest.mark.parametrize(
    ("actor", "message", "seconds"), [(None, None, 60), (90, None, 90), (20, None, 20), (20, 2.5, 2.5), (None, 99, 60)]
)
def test_the_run_time_is_the_actors_and_a_message_shortens_it(
    store: SqlStore, actor: int | None, message: float | None, seconds: float
) -> None:
    assert _task(store, {"max_run_time": message}, max_run_time=actor).spec.max_run_seconds == seconds


def test_an_execution_that_ran_too_long_says_how_long_it_might(store: SqlStore) -> None:
    rig = Rig(store)
    rig.ready_actor(max_run_time=20)
    store.mailbox.add([new_message("e1", max_run_time=2.5)])
    rig.turn("message:actor1")
    rig.pool.ready()
    rig.turn()
    rig.pool.end("e1", result=outcome(reason=StopReason.TIMED_OUT, exit_code=143))
    rig.turn()
    execution = store.executions.find("actor1", "e1")
    assert execution is not None
    assert execution.final_state is not None
    assert execution.final_state["Error"] == "run time limit reached: 2.5 seconds"
    assert execution.final_state["Reason"] == "run time limit reached"


@pytest.mark.parametrize(
    ("limit", "error"), [("64m", "out of memory: the limit is 64m"), (None, "out of memory")], ids=["actor", "none"]
)
def test_an_execution_that_ran_out_of_memory_says_of_how_much(store: SqlStore, limit: str | None, error: str) -> None:
    rig = Rig(store)
    rig.ready_actor(mem_limit=limit)
    rig.settle()
    [id_] = rig.post(1)
    rig.settle()
    rig.pool.end(id_, result=outcome(reason=StopReason.OUT_OF_MEMORY, exit_code=137))
    rig.turn()
    execution = store.executions.find("actor1", id_)
    assert execution is not None
    assert execution.final_state is not None
    assert execution.final_state["Error"] == error


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ({"uid": 1001, "gid": 1002}, (1001, 1002)),
        ({"uid": 1001}, (1001, 0)),
        ({"uid": 1001, "gid": 1002, "use_container_uid": True}, None),
        ({}, None),
    ],
    ids=["both", "user only", "the container's own", "unknown"],
)
def test_a_container_runs_as_its_owner_where_the_ids_are_known(
    store: SqlStore, ids: dict[str, Any], expected: tuple[int, int] | None
) -> None:
    assert _spec(store, **ids).user == expected


@pytest.mark.parametrize(
    ("default", "own", "state_only"),
    [(False, None, True), (True, None, False), (False, True, False), (True, False, True)],
)
def test_the_token_opens_the_state_only_unless_the_actor_has_its_owners(
    store: SqlStore, default: bool, own: bool | None, state_only: bool
) -> None:
    spec = _spec(store, limits={"default_token": default}, token=own)
    claims = TOKENS.read(spec.environment["_abaco_access_token"], NOW)
    assert claims.state_only is state_only
    assert (claims.tenant, claims.owner, claims.grant) == ("DEV", "ada", ExecutionGrant("actor1", "e1", 1))


def test_the_variables_are_the_context(store: SqlStore) -> None:
    spec = _spec(store, stateless=False, state={"count": 1}, default_environment={"key": "value"})
    environment = spec.environment
    assert spec.execution_id == environment["_abaco_execution_id"] == "e1"
    assert (environment["key"], environment["MSG"]) == ("value", "hello")
    assert environment["_abaco_actor_state"] == "{'count': 1}"


def test_binary_data_comes_from_the_store(store: SqlStore) -> None:
    for position, piece in enumerate((b"one", b"two")):
        store.mailbox.add_chunk("e1", position, piece, NOW)
    task = _task(store, {"payload": Payload(ContentType.BINARY, "", 6)})
    assert task.spec.binary is not None
    pieces: Iterable[bytes] = task.spec.binary()
    assert b"".join(pieces) == b"onetwo"


def test_limits_and_devices_are_those_of_the_queue(store: SqlStore) -> None:
    queues = {"default": Queue(4), "gpu": Queue(1, "1g", 2 * 10**9, ("example.com/gpu=0",))}
    spec = _spec(store, queues=queues, queue="gpu", gpus=("example.com/gpu=0",))
    assert (spec.memory, spec.cpus, spec.devices) == (1024**3, 2, ("example.com/gpu=0",))


@pytest.mark.parametrize(
    ("own", "seconds"), [(None, 3600), (60, 60), (100_000, 7200)], ids=["default", "own", "capped"]
)
def test_logs_are_kept_as_long_as_the_actor_says_within_limits(store: SqlStore, own: int | None, seconds: int) -> None:
    rig = Rig(store)
    rig.ready_actor(log_ex=own)
    [id_] = rig.post(1)
    rig.settle()
    rig.pool.end(id_, log="words")
    rig.turn()
    rig.clock.advance(seconds - 1)
    assert store.logs.find(id_, rig.clock.now()) == "words"
    rig.clock.advance(1)
    assert store.logs.find(id_, rig.clock.now()) == ""


def test_mounts_are_those_of_the_rules(store: SqlStore) -> None:
    rules = MountRules([MountPoint("/home/{username}", "/work", "rw"), MountPoint("/corral", "/corral", "ro")])
    spec = _spec(store, owner="jane", limits={"mount_rules": rules})
    home, corral = Mount("/home/jane", "/work", read_only=False), Mount("/corral", "/corral", read_only=True)
    assert list(spec.mounts) == [home, corral]


def test_privileged_actors_run_so_while_the_server_allows_it(store: SqlStore) -> None:
    rig = Rig(store, limits=replace(LIMITS, privileged=True))
    rig.ready_actor(privileged=True)
    rig.post(1)
    rig.settle()
    assert rig.pool.running["e0000"][1].spec.privileged


def test_a_privileged_actor_of_former_times_does_not_run(store: SqlStore) -> None:
    rig = Rig(store)
    rig.ready_actor(privileged=True)
    rig.post(1)
    rig.settle()
    execution = store.executions.find("actor1", "e0000")
    assert execution is not None
    assert execution.final_state is not None
    assert (execution.status, rig.pool.ran) == ("ERROR", [])
    assert "Privileged" in execution.final_state["Error"]


def test_what_is_refused_does_not_wait_for_a_sweep(store: SqlStore) -> None:
    rig = Rig(store)
    rig.ready_actor(privileged=True, max_workers=1)
    ids = rig.post(20)
    rig.settle()
    for _ in ids:
        rig.turn()
    assert {rig.status(id_) for id_ in ids} == {"ERROR"}
    assert rig.dispatcher.next_retry() is None
