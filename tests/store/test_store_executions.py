"""Executions: reading, halting, and the one transaction that closes an attempt."""

import pytest
from store.scene import NOW, TENANT, add_actor, claim, claim_all, close, closing, later, post, status_of

from abaco.domain.execution import StopReason, final_state
from abaco.domain.lifecycle import ExecutionStatus, WorkerStatus
from abaco.domain.worker import Worker
from abaco.errors import Conflict, NotFound
from abaco.ports import LogAppended, Store


def landed_state(store: Store) -> object:
    position = store.actors.find(TENANT, "actor1", "ada")
    assert position is not None
    return position.actor.state


def test_an_execution_is_found_under_its_own_actor_only(store: Store) -> None:
    """P6"""
    add_actor(store, "actor1")
    add_actor(store, "actor2")
    post(store, "e1")
    assert store.executions.find("actor1", "e1") is not None
    assert store.executions.find("actor2", "e1") is None
    assert store.executions.find("actor1", "unknown") is None
    assert store.executions.of_actor("actor2") == []


def test_executions_of_an_actor_are_oldest_first(store: Store) -> None:
    add_actor(store)
    for execution_id in ("z", "a", "m"):
        post(store, execution_id)
    assert [execution.id for execution in store.executions.of_actor("actor1")] == ["z", "a", "m"]
    assert [(entry.id, entry.status) for entry in store.executions.summary("actor1").executions] == [
        ("z", "SUBMITTED"),
        ("a", "SUBMITTED"),
        ("m", "SUBMITTED"),
    ]
    assert store.executions.summary("actor1").executions[0].received_at == NOW


def test_closing_records_the_outcome(store: Store) -> None:
    add_actor(store)
    store.workers.add(Worker("worker1", "DEV", "actor1", "engine1", WorkerStatus.READY, 1, "image", NOW))
    post(store, "e1")
    claimed = claim(store)
    assert claimed is not None
    ended = closing(
        claimed,
        started_at=later(seconds=1),
        finished_at=later(milliseconds=7_999),
        cpu=90_000_000_000_000,
        io=5_000_000_000,
        exit_code=137,
        reason=StopReason.OUT_OF_MEMORY,
        image_digest="sha256:2",
    )
    assert store.executions.close("engine1", [ended], NOW) == [True]
    execution = store.executions.find("actor1", "e1")
    assert execution is not None
    assert execution.status is ExecutionStatus.COMPLETE
    assert (execution.started_at, execution.finished_at) == (ended.outcome.started_at, ended.outcome.finished_at)
    assert execution.runtime == 6
    assert (execution.cpu, execution.io, execution.exit_code) == (90_000_000_000_000, 5_000_000_000, 137)
    assert (execution.image_digest, execution.worker_id, execution.attempts) == ("sha256:2", "worker1", 1)
    assert execution.final_state == final_state(ended.outcome)
    assert [worker.status for worker in store.workers.of_actor("actor1")] == [WorkerStatus.READY]


def test_closing_lands_log_and_state_and_removes_the_message(store: Store) -> None:
    """P4"""
    add_actor(store, stateless=False, state="old")
    post(store, "e1")
    claimed = claim(store, exclusive=True)
    assert claimed is not None
    store.logs.append([LogAppended("e1", 1, "one ")])
    assert store.state.stage("e1", 1, "new")
    assert landed_state(store) == "old"
    assert close(store, claimed, "two")
    assert store.logs.find("e1", NOW) == "one two"
    assert landed_state(store) == "new"
    assert store.state.find_staged("e1", 1) is None
    assert store.actors.remaining_executions("actor1") == 0
    assert store.claims.reclaim("engine1", NOW, max_attempts=5) == []


def test_a_closing_that_fails_lands_nothing(store: Store) -> None:
    """P4: what precedes the failure inside the transaction is undone with it."""
    add_actor(store, stateless=False, state="old")
    post(store, "e1")
    claimed = claim(store, exclusive=True)
    assert claimed is not None
    assert store.state.stage("e1", 1, "new")
    with pytest.raises(OverflowError):  # the log would expire after the year 9999
        store.executions.close("engine1", [closing(claimed, "log", lifetime_seconds=10**12)], NOW)
    assert status_of(store, "e1") is ExecutionStatus.RUNNING
    assert landed_state(store) == "old"
    assert store.state.find_staged("e1", 1) == ("new",)
    assert store.logs.find("e1", NOW) == ""
    assert close(store, claimed)
    assert landed_state(store) == "new"


def test_the_outcome_is_written_once(store: Store) -> None:
    """P4"""
    add_actor(store)
    post(store, "e1")
    claimed = claim(store)
    assert claimed is not None
    assert close(store, claimed, "first")
    before = store.executions.find("actor1", "e1")
    assert store.executions.close("engine1", [closing(claimed, "second", exit_code=9)], NOW) == [False]
    assert store.executions.find("actor1", "e1") == before
    assert store.logs.find("e1", NOW) == "first"


def test_a_late_close_of_a_lost_attempt_changes_nothing(store: Store) -> None:
    """P4"""
    add_actor(store, stateless=False, state="old")
    post(store, "e1")
    lost = claim(store, engine="engine1", exclusive=True)
    assert lost is not None
    store.claims.reclaim("engine1", NOW, max_attempts=5)
    assert not close(store, lost, "late", engine="engine1")
    current = claim(store, engine="engine2", exclusive=True)
    assert current is not None
    assert store.state.stage("e1", 2, "current")
    before = store.executions.find("actor1", "e1")
    assert not close(store, lost, "late", engine="engine1")
    assert not close(store, lost, "late", engine="engine2")
    assert not close(store, current, "stolen", engine="engine1")
    assert store.executions.find("actor1", "e1") == before
    assert store.logs.find("e1", NOW) == ""
    assert landed_state(store) == "old"
    assert close(store, current, "current", engine="engine2")
    assert (store.logs.find("e1", NOW), landed_state(store)) == ("current", "current")


def test_closings_of_one_call_are_judged_one_by_one(store: Store) -> None:
    add_actor(store)
    post(store, "e3", "e1", "e2")
    third, first, second = claim_all(store)
    assert close(store, first)
    closings = [closing(third, "3"), closing(first, "again"), closing(second, "2")]
    assert store.executions.close("engine1", closings, NOW) == [True, False, True]
    assert [store.logs.find(id_, NOW) for id_ in ("e1", "e2", "e3")] == ["", "2", "3"]


def test_an_attempt_that_could_not_be_run_is_closed_in_error(store: Store) -> None:
    add_actor(store)
    post(store, "e1")
    claimed = claim(store)
    assert claimed is not None
    failed = closing(
        claimed, status=ExecutionStatus.ERROR, reason=StopReason.NOT_RUN, started_at=None, exit_code=None, error="why"
    )
    assert store.executions.close("engine1", [failed], NOW) == [True]
    execution = store.executions.find("actor1", "e1")
    assert execution is not None
    assert (execution.status, execution.exit_code, execution.runtime) == (ExecutionStatus.ERROR, None, 0)
    assert execution.final_state is not None
    assert execution.final_state["Error"] == "why"


def test_a_running_execution_can_be_asked_to_halt(store: Store) -> None:
    add_actor(store)
    post(store, "e1", "e2")
    assert len(claim_all(store)) == 2
    assert store.executions.halts("engine1") == []
    store.executions.request_halt("actor1", "e2")
    store.executions.request_halt("actor1", "e2")
    assert store.executions.halts("engine1") == [("e2", 1)]
    assert store.executions.halts("engine2") == []


def test_a_closed_execution_is_not_to_be_halted_any_more(store: Store) -> None:
    add_actor(store)
    post(store, "e1")
    claimed = claim(store)
    assert claimed is not None
    store.executions.request_halt("actor1", "e1")
    assert close(store, claimed)
    assert store.executions.halts("engine1") == []


def test_only_a_running_execution_of_the_actor_can_be_halted(store: Store) -> None:
    """P6, P7"""
    add_actor(store)
    post(store, "e1")
    with pytest.raises(Conflict, match="SUBMITTED"):
        store.executions.request_halt("actor1", "e1")
    claimed = claim(store)
    assert claimed is not None
    for actor_id, execution_id in (("actor2", "e1"), ("actor1", "unknown")):
        with pytest.raises(NotFound, match=execution_id):
            store.executions.request_halt(actor_id, execution_id)
    assert close(store, claimed)
    with pytest.raises(Conflict, match="COMPLETE"):
        store.executions.request_halt("actor1", "e1")
    assert store.executions.halts("engine1") == []
