"""Leases on messages, seen from one engine at a time. Rivals have their own file."""

from dataclasses import replace

import pytest
from store.scene import NOW, add_actor, claim, claim_all, close, later, new_message, post, status_of

from abaco.domain.lifecycle import ActorStatus, ExecutionStatus, WorkerStatus
from abaco.domain.message import ContentType, Payload
from abaco.domain.worker import Worker
from abaco.ports import ClaimRequest, LogAppended, Requeue, ResultSent, Store


def add_worker(store: Store, worker_id: str, status: WorkerStatus = WorkerStatus.READY) -> None:
    store.workers.add(Worker(worker_id, "DEV", "actor1", "engine1", status, 1, "image", NOW))


def worker_status(store: Store) -> list[WorkerStatus]:
    return [worker.status for worker in store.workers.of_actor("actor1")]


def test_a_claim_carries_the_message_and_the_actor(store: Store) -> None:
    actor = add_actor(store, stateless=False, state={"count": 3})
    payload = Payload(ContentType.JSON, {"a": [1, None]})
    store.mailbox.add([new_message("e1", payload=payload, environment={"x": "y"}, jwt_header="X-JWT")])
    claimed = claim(store)
    assert claimed is not None
    assert (claimed.execution_id, claimed.attempt, claimed.worker_id) == ("e1", 1, "worker1")
    assert (claimed.actor, claimed.state, claimed.payload) == (actor, {"count": 3}, payload)
    assert (claimed.executor, claimed.revision) == ("ada", 1)
    assert (claimed.environment, claimed.jwt_header) == ({"x": "y"}, "X-JWT")


def test_a_claim_makes_the_execution_running(store: Store) -> None:
    add_actor(store)
    add_worker(store, "worker1")
    post(store, "e1")
    assert claim(store, now=later(seconds=2))
    execution = store.executions.find("actor1", "e1")
    assert execution is not None
    assert execution.status is ExecutionStatus.RUNNING
    assert (execution.attempts, execution.worker_id) == (1, "worker1")
    assert (execution.started_at, execution.image_digest) == (later(seconds=2), "sha256:1")
    (worker,) = store.workers.of_actor("actor1")
    assert (worker.status, worker.last_execution_at) == (WorkerStatus.BUSY, later(seconds=2))


def test_an_empty_mailbox_gives_nothing(store: Store) -> None:
    add_actor(store)
    assert claim(store) is None
    assert claim(store, "unknown") is None
    assert claim(store, "unknown", exclusive=True) is None
    assert store.claims.claim("engine1", [], NOW) == []


def test_messages_are_leased_in_the_order_received(store: Store) -> None:
    """P3"""
    add_actor(store)
    ids = [f"e{number}" for number in range(20)]
    post(store, *ids[:10])
    post(store, *ids[10:])
    assert [claimed.execution_id for claimed in claim_all(store)] == ids


def test_one_call_serves_workers_of_many_actors(store: Store) -> None:
    for actor_id in ("actor1", "actor2"):
        add_actor(store, actor_id)
        post(store, f"{actor_id}-e1", f"{actor_id}-e2", actor_id=actor_id)
    requests = [
        ClaimRequest("actor2", "w1", exclusive=True, image_digest="d"),
        ClaimRequest("actor2", "w2", exclusive=True, image_digest="d"),
        ClaimRequest("unknown", "w3", exclusive=False, image_digest="d"),
        ClaimRequest("actor1", "w4", exclusive=False, image_digest="d"),
        ClaimRequest("actor1", "w5", exclusive=False, image_digest="d"),
    ]
    claims = store.claims.claim("engine1", requests, NOW)
    assert {claimed.worker_id: claimed.execution_id for claimed in claims} == {
        "w1": "actor2-e1",
        "w4": "actor1-e1",
        "w5": "actor1-e2",
    }


def test_of_a_stateful_actor_nothing_is_leased_while_a_message_is(store: Store) -> None:
    """P3"""
    add_actor(store)
    post(store, "e1", "e2")
    first = claim(store, exclusive=True)
    assert first is not None
    assert claim(store, exclusive=True, worker="worker2") is None
    assert claim(store, exclusive=True, engine="engine2", worker="worker3") is None
    assert close(store, first)
    second = claim(store, exclusive=True, engine="engine2")
    assert second is not None
    assert second.execution_id == "e2"


def test_of_a_stateful_actor_a_delayed_head_holds_up_the_line(store: Store) -> None:
    """P3"""
    add_actor(store)
    post(store, "e1", "e2")
    assert claim(store, exclusive=True)
    store.claims.requeue([Requeue("e1", 1, later(seconds=10), "no exec")])
    assert claim(store, exclusive=True, now=later(seconds=9)) is None
    again = claim(store, exclusive=True, now=later(seconds=10))
    assert again is not None
    assert (again.execution_id, again.attempt) == ("e1", 2)


def test_of_a_stateful_actor_what_its_sender_delayed_holds_up_nobody(store: Store) -> None:
    add_actor(store)
    store.mailbox.add([new_message("delayed", executor={"not_before": later(days=1)})])
    post(store, "e1")
    first = claim(store, exclusive=True)
    assert first is not None
    assert first.execution_id == "e1"
    assert claim(store, exclusive=True, now=later(days=2)) is None
    assert close(store, first)
    assert claim(store, exclusive=True) is None
    assert claim(store, exclusive=True, now=later(days=1)) is not None


def test_once_an_actor_is_stateful_its_older_leases_count(store: Store) -> None:
    """P3"""
    actor = add_actor(store)
    for worker_id in ("worker1", "worker2"):
        add_worker(store, worker_id)
    store.mailbox.add([new_message("delayed", executor={"not_before": later(seconds=3)})])
    post(store, "e1")
    running = claim(store)
    assert running is not None
    store.actors.change(actor.tenant, actor.id, actor.owner, lambda now: replace(now, stateless=False))
    assert claim(store, worker="worker2", now=later(seconds=3)) is None
    assert close(store, running)
    assert claim(store, worker="worker2", now=later(seconds=3)) is not None


def test_of_a_stateless_actor_a_delayed_head_is_overtaken(store: Store) -> None:
    add_actor(store)
    post(store, "e1", "e2")
    assert claim(store)
    store.claims.requeue([Requeue("e1", 1, later(seconds=10), "no exec")])
    assert [claimed.execution_id for claimed in claim_all(store)] == ["e2"]


def test_a_requeued_message_waits_again(store: Store) -> None:
    add_actor(store)
    add_worker(store, "worker1")
    post(store, "e1")
    assert claim(store)
    store.claims.requeue([Requeue("e1", 1, later(seconds=10), "no exec")])
    execution = store.executions.find("actor1", "e1")
    assert execution is not None
    assert execution.status is ExecutionStatus.SUBMITTED
    assert (execution.attempts, execution.worker_id, execution.started_at) == (1, None, None)
    assert store.mailbox.count("actor1") == 1
    assert worker_status(store) == [WorkerStatus.READY]


def test_a_requeue_of_a_lost_lease_is_ignored(store: Store) -> None:
    """P4"""
    add_actor(store)
    post(store, "e1")
    assert claim(store)
    store.claims.reclaim("engine1", NOW, max_attempts=5)
    again = claim(store, engine="engine2")
    assert again is not None
    store.claims.requeue([Requeue("e1", 1, NOW, "no exec"), Requeue("unknown", 1, NOW, "no exec")])
    assert status_of(store, "e1") is ExecutionStatus.RUNNING
    assert close(store, again, engine="engine2")
    store.claims.requeue([Requeue("e1", 2, NOW, "no exec")])
    assert status_of(store, "e1") is ExecutionStatus.COMPLETE


def test_an_attempt_that_was_not_begun_does_not_count(store: Store) -> None:
    """P4"""
    add_actor(store)
    post(store, "e1")
    assert claim(store)
    store.claims.requeue([Requeue("e1", 1, is_begun=False), Requeue("e1", 1, is_begun=False)])
    waits = store.executions.find("actor1", "e1")
    assert waits is not None
    assert (waits.status, waits.attempts) == (ExecutionStatus.SUBMITTED, 0)
    again = claim(store)
    assert again is not None
    assert again.attempt == 1
    assert close(store, again)


def test_the_number_of_an_attempt_that_was_begun_is_not_given_out_again(store: Store) -> None:
    """P4"""
    add_actor(store)
    post(store, "e1")
    lost = claim(store)
    assert lost is not None
    store.claims.reclaim("engine1", NOW, max_attempts=None)
    returned = claim(store, engine="engine2")
    assert returned is not None
    store.claims.requeue([Requeue("e1", returned.attempt, is_begun=False)])
    store.claims.requeue([Requeue("e1", lost.attempt, is_begun=False)])
    again = claim(store, engine="engine2")
    assert again is not None
    assert (lost.attempt, again.attempt) == (1, 2)
    assert not close(store, lost, engine="engine2")
    assert close(store, again, engine="engine2")


def test_waiting_counts_due_messages_up_to_the_cap(store: Store) -> None:
    add_actor(store)
    post(store, *(f"e{number}" for number in range(8)))
    assert claim(store)
    assert claim(store)
    store.claims.requeue([Requeue("e1", 1, later(seconds=10), "no exec")])
    for now, cap, count in ((NOW, 100, 6), (NOW, 4, 4), (later(seconds=10), 100, 7)):
        (waiting,) = store.claims.waiting(["actor1"], now, cap)
        assert (waiting.actor.id, waiting.count) == ("actor1", count)


def test_waiting_of_named_actors_passes_over_unknown_ids(store: Store) -> None:
    add_actor(store, "actor1")
    add_actor(store, "actor2")
    post(store, "e1", actor_id="actor2")
    named = store.claims.waiting(["actor2", "unknown", "actor1"], NOW, 10)
    assert [(one.actor.id, one.count) for one in named] == [("actor1", 0), ("actor2", 1)]
    assert store.claims.waiting([], NOW, 10) == []


def test_waiting_of_everyone_names_those_who_need_a_look(store: Store) -> None:
    for actor_id in ("submitted", "idle", "delayed", "deleted"):
        add_actor(store, actor_id)
        if actor_id != "submitted":
            assert store.actors.mark_ready(actor_id, 1, NOW)
    post(store, "e1", actor_id="delayed")
    assert claim(store, "delayed")
    store.claims.requeue([Requeue("e1", 1, later(days=1), "no exec")])
    store.actors.begin_delete("DEV", "deleted", NOW)
    everyone = store.claims.waiting(None, NOW, 10)
    assert [(one.actor.id, one.count) for one in everyone] == [("submitted", 0), ("delayed", 0), ("deleted", 0)]


def test_a_reclaimed_message_goes_to_the_front_at_once(store: Store) -> None:
    """P2"""
    add_actor(store)
    post(store, "e1", "e2", "e3")
    assert claim(store, engine="engine1")
    assert claim(store, engine="engine2")
    assert store.claims.reclaim("engine1", NOW, max_attempts=5) == ["e1"]
    assert store.claims.reclaim("engine1", NOW, max_attempts=5) == []
    assert status_of(store, "e1") is ExecutionStatus.SUBMITTED
    assert status_of(store, "e2") is ExecutionStatus.RUNNING
    again = claim(store, engine="engine2")
    assert again is not None
    assert (again.execution_id, again.attempt) == ("e1", 2)


def test_a_reclaimed_attempt_leaves_no_trace(store: Store) -> None:
    """P4"""
    add_actor(store, stateless=False, state="landed")
    post(store, "e1")
    assert claim(store)
    store.logs.append([LogAppended("e1", 1, "lost")])
    store.results.append([ResultSent("e1", 1, b"lost")], later(hours=1))
    assert store.state.stage("e1", 1, "lost")
    store.claims.reclaim("engine1", NOW, max_attempts=5)
    assert store.logs.find("e1", NOW) == ""
    assert store.results.pop("e1", NOW) is None
    assert store.state.find_staged("e1", 1) is None
    again = claim(store, engine="engine2")
    assert again is not None
    assert again.state == "landed"
    assert close(store, again, "kept", engine="engine2")
    assert store.logs.find("e1", NOW) == "kept"


@pytest.mark.parametrize("max_attempts", [1, 3])
def test_a_message_lost_too_often_ends_in_error(store: Store, max_attempts: int) -> None:
    """P2"""
    add_actor(store)
    store.mailbox.add_chunk("e1", 0, b"abc", NOW)
    store.mailbox.add([new_message("e1", payload=Payload(ContentType.BINARY, None, 3))])
    for attempt in range(1, max_attempts + 1):
        claimed = claim(store)
        assert claimed is not None
        assert claimed.attempt == attempt
        assert store.claims.reclaim("engine1", later(seconds=9), max_attempts) == ["e1"]
    assert claim(store) is None
    execution = store.executions.find("actor1", "e1")
    assert execution is not None
    assert (execution.status, execution.attempts) == (ExecutionStatus.ERROR, max_attempts)
    assert execution.finished_at == later(seconds=9)
    assert execution.final_state is not None
    assert "time and again the service died" in execution.final_state["Error"]
    assert list(store.mailbox.chunks("e1")) == []


def test_a_clean_stop_never_gives_a_message_up(store: Store) -> None:
    """P2"""
    add_actor(store)
    post(store, "e1")
    for attempt in range(1, 9):
        claimed = claim(store)
        assert claimed is not None
        assert claimed.attempt == attempt
        assert store.claims.reclaim("engine1", NOW, max_attempts=None) == ["e1"]
    assert status_of(store, "e1") is ExecutionStatus.SUBMITTED


def test_never_more_are_leased_than_asked_for(store: Store) -> None:
    """PostgreSQL may run a subquery with a limit again for each row."""
    add_actor(store)
    post(store, *(f"e{number:03}" for number in range(30)))
    leased: list[str] = []
    for count in (1, 4, 7, 1):
        found = store.claims.claim("engine1", [ClaimRequest("actor1", "worker1", False, "sha256:1", count=count)], NOW)
        assert len(found) == count
        leased += [one.execution_id for one in found]
    assert leased == [f"e{number:03}" for number in range(13)]


@pytest.mark.parametrize("status", [ActorStatus.ERROR, ActorStatus.SHUTTING_DOWN])
def test_nothing_is_claimed_of_an_actor_that_may_not_run(store: Store, status: ActorStatus) -> None:
    add_actor(store, status=status)
    store.mailbox.add([new_message("e1")])
    assert claim(store) is None
    assert store.mailbox.count("actor1") == 1


def test_what_falls_due_by_itself_is_told_in_time(store: Store) -> None:
    add_actor(store)
    add_actor(store, "actor2")
    post(store, "e0")
    for id_, actor_id, seconds in (("e1", "actor1", 5), ("e2", "actor1", 6), ("e3", "actor2", 6), ("e4", "actor2", 9)):
        store.mailbox.add([new_message(id_, actor_id, executor={"not_before": later(seconds=seconds)})])
    assert store.claims.fallen_due(NOW, NOW) == (set(), later(seconds=5))
    assert store.claims.fallen_due(NOW, later(seconds=5)) == ({"actor1"}, later(seconds=6))
    assert store.claims.fallen_due(later(seconds=5), later(seconds=8)) == ({"actor1", "actor2"}, later(seconds=9))
    assert store.claims.fallen_due(later(seconds=8), later(seconds=9)) == ({"actor2"}, None)
    assert [claim(store, now=later(seconds=5)) is not None for _ in range(3)] == [True, True, False]
    assert store.claims.fallen_due(NOW, later(seconds=5)) == (set(), later(seconds=6))
    assert store.mailbox.count("actor2") == 2
    assert store.mailbox.count("actor2", later(seconds=8)) == 1
