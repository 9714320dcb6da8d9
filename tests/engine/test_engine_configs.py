"""What executions are given of configs, and whom they run as."""

from typing import Any

import pytest
from engine.rig import VAULT, Rig
from store.scene import NOW, TENANT, new_message

from abaco.domain.alias import Alias
from abaco.domain.config import Config
from abaco.domain.lifecycle import ActorStatus, ExecutionStatus
from abaco.store.sql import SqlStore


def add_config(
    store: SqlStore, name: str, value: str, *actors: str, tenant: str = TENANT, secret: bool = False
) -> None:
    stored = VAULT.seal(value) if secret else value
    store.configs.add(Config(f"{tenant}{name}", tenant, name, stored, secret, actors, "ada", NOW))


def given(rig: Rig, execution_id: str) -> str:
    environment = rig.pool.running[execution_id][1].spec.environment
    return environment["_actor_configs"]


def run_one(store: SqlStore, actor_id: str = "actor1") -> tuple[Rig, str]:
    rig = Rig(store)
    [execution_id] = rig.post(1, actor_id)
    rig.settle()
    return rig, execution_id


def test_without_configs_there_is_an_empty_dictionary(store: SqlStore) -> None:
    Rig(store).ready_actor()
    rig, execution_id = run_one(store)
    assert given(rig, execution_id) == "{}"


def test_the_configs_that_name_the_actor_or_its_alias_are_given_in_the_clear(store: SqlStore) -> None:
    rig = Rig(store)
    rig.ready_actor()
    rig.ready_actor("actor12")
    store.aliases.add(Alias("alias1", TENANT, "count", "actor1", "ada", "", NOW))
    add_config(store, "a", "1", "actor1")
    add_config(store, "b", "{'k': 5}", "other", "count", secret=True)
    add_config(store, "of-another", "x", "actor12", "coun", "counter")
    add_config(store, "of-another-tenant", "x", "actor1", "count", tenant="OTHER")
    rig, execution_id = run_one(store)
    assert given(rig, execution_id) == repr({"a": "1", "b": "{'k': 5}"})


@pytest.mark.parametrize("case", ["lost key", "too much"])
def test_what_cannot_be_given_ends_the_execution_and_nothing_else(store: SqlStore, case: str) -> None:
    rig = Rig(store)
    rig.ready_actor()
    if case == "lost key":
        store.configs.add(Config("c1", TENANT, "a", "sealed with a key that is gone", True, ("actor1",), "ada", NOW))
    else:
        for name in ("a", "b"):
            add_config(store, name, "x" * 80_000, "actor1")
    rig, execution_id = run_one(store)
    assert rig.status(execution_id) is ExecutionStatus.ERROR
    execution = store.executions.find("actor1", execution_id)
    assert execution is not None
    assert execution.final_state is not None
    assert ("key" if case == "lost key" else "bytes together") in execution.final_state["Error"]
    assert rig.actor()[0] is ActorStatus.READY
    for config_id in ("c1", f"{TENANT}a"):
        store.configs.remove(config_id)
    [again] = rig.post(1, prefix="later")
    rig.turn(sweep=True)
    assert again in rig.pool.running


@pytest.mark.parametrize(
    ("actor", "executor", "user"),
    [
        ({"run_as_executor": True, "uid": 5, "gid": 6}, {"executor_uid": 7, "executor_gid": 8}, (7, 8)),
        ({"run_as_executor": True, "uid": 5, "gid": 6}, {}, (5, 6)),
        ({"uid": 5, "gid": 6}, {"executor_uid": 7, "executor_gid": 8}, (5, 6)),
    ],
    ids=["who sent it", "what the service sends runs as the owner", "only where the actor says so"],
)
def test_whom_an_execution_runs_as(
    store: SqlStore, actor: dict[str, Any], executor: dict[str, int], user: tuple[int, int]
) -> None:
    rig = Rig(store)
    rig.ready_actor(**actor)
    store.mailbox.add([new_message("e1", executor=executor)])
    rig.turn("message:actor1")
    rig.settle()
    assert rig.pool.running["e1"][1].spec.user == user
