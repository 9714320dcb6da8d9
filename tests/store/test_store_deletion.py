"""Deleting an actor: hidden at once, removed when nothing of it runs any more."""

import pytest
from store.scene import NOW, TENANT, add_actor, claim, claim_all, close, later, post, status_of

from abaco.domain.lifecycle import ActorStatus, ExecutionStatus
from abaco.errors import NotFound
from abaco.ports import LogAppended, Requeue, ResultSent, Store


def delete(store: Store, actor_id: str = "actor1") -> None:
    store.actors.begin_delete(TENANT, actor_id, NOW)


def test_a_deleted_actor_is_hidden_at_once(store: Store) -> None:
    add_actor(store)
    delete(store)
    assert store.actors.find(TENANT, "actor1", "ada") is None
    assert store.actors.list_visible(TENANT, "ada") == []
    with pytest.raises(NotFound):
        store.actors.change(TENANT, "actor1", "ada", lambda actor: actor)
    with pytest.raises(NotFound):
        delete(store)


def test_a_deleted_actor_stays_shutting_down(store: Store) -> None:
    add_actor(store)
    delete(store)
    assert not store.actors.mark_ready("actor1", 1, NOW)
    assert not store.actors.mark_error("actor1", 1, "late", NOW)
    (waiting,) = store.claims.waiting(None, NOW, 10)
    assert waiting.actor.status is ActorStatus.SHUTTING_DOWN


def test_waiting_messages_end_in_error_and_say_why(store: Store) -> None:
    """P2"""
    add_actor(store)
    post(store, "e1", "e2")
    delete(store)
    for execution in store.executions.of_actor("actor1"):
        assert execution.status is ExecutionStatus.ERROR
        assert execution.finished_at == NOW
        assert execution.final_state is not None
        assert "deleted" in execution.final_state["Error"]
    assert store.mailbox.count("actor1") == 0
    assert claim(store) is None


def test_messages_of_other_actors_are_left_alone(store: Store) -> None:
    add_actor(store, "actor1")
    add_actor(store, "actor2")
    post(store, "e2", actor_id="actor2")
    delete(store, "actor1")
    assert status_of(store, "e2", "actor2") is ExecutionStatus.SUBMITTED
    assert store.mailbox.count("actor2") == 1


def test_logs_and_results_are_gone_and_stay_gone(store: Store) -> None:
    """P6: whoever registers next can never read what a deleted actor said, not even what it says late."""
    add_actor(store)
    post(store, "e1", "e2")
    finished, running = claim_all(store, limit=2)
    for execution_id in ("e1", "e2"):
        store.logs.append([LogAppended(execution_id, 1, "early")])
        store.results.append([ResultSent(execution_id, 1, b"early")], later(hours=1))
    assert close(store, finished, "the end")
    delete(store)
    store.logs.append([LogAppended("e2", 1, "late")])
    store.results.append([ResultSent("e2", 1, b"late")], later(hours=1))
    assert close(store, running, "the end")
    for execution_id in ("e1", "e2"):
        assert store.logs.find(execution_id, NOW) == ""
        assert store.results.pop(execution_id, NOW) is None


def test_what_runs_is_to_be_halted_and_holds_up_the_removal(store: Store) -> None:
    add_actor(store)
    post(store, "e1")
    claimed = claim(store)
    assert claimed is not None
    delete(store)
    assert store.executions.halts("engine1") == [("e1", 1)]
    assert store.actors.remaining_executions("actor1") == 1
    assert store.actors.finish_deletes() == 0
    assert close(store, claimed)
    assert store.actors.remaining_executions("actor1") == 0
    assert store.actors.finish_deletes() == 1
    assert store.actors.finish_deletes() == 0


def test_the_removal_takes_permissions_and_keeps_executions(store: Store) -> None:
    add_actor(store, "actor1")
    add_actor(store, "actor2")
    post(store, "e1")
    delete(store)
    assert store.actors.finish_deletes() == 1
    assert store.permissions.entries("actor1") == {}
    assert store.permissions.entries("actor2") != {}
    assert status_of(store, "e1") is ExecutionStatus.ERROR
    assert store.claims.waiting(None, NOW, 10) == store.claims.waiting(["actor2"], NOW, 10)


@pytest.mark.parametrize("how", ["requeued", "reclaimed"])
def test_an_attempt_lost_after_the_deletion_ends_in_error(store: Store, how: str) -> None:
    """P2: the message comes back to a mailbox that nobody will drain."""
    add_actor(store)
    post(store, "e1")
    assert claim(store)
    delete(store)
    if how == "requeued":
        store.claims.requeue([Requeue("e1", 1, NOW, "no exec")])
    else:
        assert store.claims.reclaim("engine1", NOW, max_attempts=5) == ["e1"]
    assert store.actors.remaining_executions("actor1") == 0
    assert store.actors.finish_deletes() == 1
    execution = store.executions.find("actor1", "e1")
    assert execution is not None
    assert execution.status is ExecutionStatus.ERROR
    assert execution.final_state is not None
    assert "deleted" in execution.final_state["Error"]
