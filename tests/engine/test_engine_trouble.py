"""Containers that do not start, halts, deletions and updates."""

from dataclasses import replace
from datetime import timedelta

import pytest
from engine.rig import LIMITS, Rig
from store.scene import TENANT, new_message, outcome

from abaco.domain.actor import Actor
from abaco.domain.event import WorkerStopped
from abaco.domain.execution import StopReason
from abaco.domain.lifecycle import ActorStatus, ExecutionStatus
from abaco.store.sql import SqlStore


def test_a_container_that_does_not_start_is_tried_again_ever_later_and_then_given_up(store: SqlStore) -> None:
    rig = Rig(store, limits=replace(LIMITS, start_tries=8))
    rig.ready_actor()
    [id_] = rig.post(1)
    rig.settle()
    delays = []
    for _ in range(7):
        rig.pool.fail_start(id_)
        rig.turn()
        assert rig.status(id_) is ExecutionStatus.SUBMITTED
        due = rig.dispatcher.next_retry()
        assert due is not None
        delays.append((due - rig.clock.now()) / timedelta(seconds=1))

        rig.clock.time = due - timedelta(milliseconds=1)
        rig.turn()
        assert rig.pool.running == {}
        rig.clock.time = due
        rig.turn()
        assert list(rig.pool.running) == [id_]
    assert delays == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0]

    rig.pool.fail_start(id_)
    rig.turn()
    execution = store.executions.find("actor1", id_)
    assert execution is not None
    assert (execution.status, execution.attempts) == (ExecutionStatus.ERROR, 8)
    assert execution.final_state is not None
    assert execution.final_state["Error"] == "Error executing container: no such program"
    assert rig.actor() == (ActorStatus.ERROR, "Error executing container: no such program")
    assert rig.dispatcher.next_retry() is None
    assert len(rig.crew) == 0


def _give_up(rig: Rig, id_: str, actor_id: str = "actor1", *, by_output: bool) -> ActorStatus:
    """What becomes of the actor whose message does not start, however often it is tried."""
    for _ in range(LIMITS.start_tries):
        rig.settle()
        rig.pool.fail_start(id_, by_output=by_output)
        rig.turn()
        rig.clock.advance(5)
    assert rig.status(id_, actor_id) is ExecutionStatus.ERROR
    return rig.actor(actor_id)[0]


def test_who_may_send_a_message_cannot_stop_the_actor_with_a_path_of_theirs(rig: Rig) -> None:
    """P6"""
    rig.ready_actor()
    rig.store.mailbox.add([new_message("bad", environment={"PATH": "/nowhere"})])
    [good] = rig.post(1)
    rig.settle()
    rig.pool.end(good)
    assert _give_up(rig, "bad", by_output=False) is ActorStatus.READY


def test_who_may_send_a_message_cannot_stop_the_actor_with_a_uid_of_theirs(rig: Rig) -> None:
    """P6: their uid may not enter the working directory, say."""
    rig.ready_actor(run_as_executor=True)
    rig.store.mailbox.add([new_message("bad", executor={"executor_uid": 2000, "executor_gid": 2000})])
    rig.inbox.hear({"message:actor1"})
    assert _give_up(rig, "bad", by_output=False) is ActorStatus.READY


def test_failed_starts_of_messages_that_were_purged_are_forgotten(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("abaco.services.work._REMEMBERED", 3)
    rig.ready_actor()
    for number in range(9):
        [id_] = rig.post(1, prefix=f"p{number}")
        rig.settle()
        rig.pool.fail_start(id_)
        rig.turn()
        rig.store.mailbox.purge("actor1", rig.clock.now())
        rig.clock.advance(5)
    assert len(rig.work._failed_starts) == 3


def test_a_program_that_says_it_could_not_be_started_stops_its_actor_only_if_none_ever_could(rig: Rig) -> None:
    """P6: what a program says may be what its message made it say."""
    rig.ready_actor()
    first, bad = rig.post(2)
    rig.settle()
    rig.pool.end(first)
    assert _give_up(rig, bad, by_output=True) is ActorStatus.READY

    rig.ready_actor("actor2")
    [id_] = rig.post(1, "actor2", "f")
    assert _give_up(rig, id_, "actor2", by_output=True) is ActorStatus.ERROR


def test_attempts_that_an_engine_lost_are_no_failed_starts(store: SqlStore) -> None:
    first = Rig(store)
    first.ready_actor()
    [id_] = first.post(1)
    for number in range(LIMITS.start_tries):
        rig = Rig(store, engine_id=f"engine{number}")
        rig.reaper.begin()
        rig.turn(sweep=True)
        rig.pool.ready()
        rig.turn()
        assert list(rig.pool.running) == [id_]
    rig.pool.fail_start(id_)
    rig.turn()
    assert rig.status(id_) is ExecutionStatus.SUBMITTED
    assert rig.actor()[0] is ActorStatus.READY


def test_every_delayed_message_is_due_in_its_own_time(rig: Rig) -> None:
    rig.ready_actor()
    old, new = rig.post(2)
    rig.settle()
    rig.pool.fail_start(old)
    rig.turn()
    rig.clock.advance(0.1)
    rig.turn()
    assert set(rig.pool.running) == {old, new}

    rig.pool.fail_start(old)  # its second time: due in 0.2 s
    rig.pool.fail_start(new)  # its first: in 0.1 s
    rig.turn()
    rig.clock.advance(0.1)
    rig.turn()
    assert set(rig.pool.running) == {new}
    assert rig.dispatcher.next_retry() == rig.clock.now() + timedelta(seconds=0.1)
    rig.clock.advance(0.1)
    rig.turn()
    assert set(rig.pool.running) == {new, old}


def test_nobody_overtakes_the_delayed_message_of_a_stateful_actor(rig: Rig) -> None:
    """P3"""
    rig.ready_actor(stateless=False)
    first, _ = rig.post(2)
    rig.settle()
    rig.pool.fail_start(first)
    rig.turn()
    rig.turn(sweep=True)
    assert rig.pool.running == {}
    rig.clock.advance(0.1)
    rig.turn()
    assert list(rig.pool.running) == [first]


def test_a_halt_reaches_the_attempt_that_runs(rig: Rig) -> None:
    rig.ready_actor()
    first, _ = rig.post(2)
    rig.settle()
    rig.store.executions.request_halt("actor1", first)

    rig.turn(f"halt:{first}")
    assert rig.pool.halted == [(first, 1)]

    rig.pool.end(first, result=outcome(reason=StopReason.HALTED, exit_code=137))
    rig.turn()
    execution = rig.store.executions.find("actor1", first)
    assert execution is not None
    assert execution.final_state is not None
    assert execution.final_state["Error"] == "halted by request"


def test_a_halt_outlives_the_engine_that_was_told_of_it(store: SqlStore) -> None:
    rig = Rig(store)
    rig.ready_actor()
    [id_] = rig.post(1)
    rig.settle()
    store.executions.request_halt("actor1", id_)
    other = Rig(store, engine_id="engine2")
    other.work.reclaim(["engine1"])
    other.turn(sweep=True)
    other.pool.ready()
    other.turn()
    assert other.pool.halted == [(id_, 2)]


def test_a_halt_that_nobody_told_the_engine_of_is_found_by_the_sweep(rig: Rig) -> None:
    rig.ready_actor()
    [id_] = rig.post(1)
    rig.settle()
    rig.store.executions.request_halt("actor1", id_)
    rig.turn()
    assert rig.pool.halted == []
    rig.turn(sweep=True)
    assert rig.pool.halted == [(id_, 1)]


def test_a_deletion_stops_what_runs_and_removes_the_actor_when_it_has_stopped(rig: Rig) -> None:
    rig.ready_actor(max_workers=2)
    first, second, waiting = rig.post(3)
    rig.settle()
    rig.store.actors.begin_delete(TENANT, "actor1", rig.clock.now())

    rig.turn("actor:actor1")
    assert sorted(rig.pool.halted) == [(first, 1), (second, 1)]
    assert rig.status(waiting) is ExecutionStatus.ERROR
    rig.pool.end(first)
    rig.turn()
    assert rig.actor()[0] is ActorStatus.SHUTTING_DOWN

    rig.pool.end(second)
    rig.turn()
    assert rig.look() is None
    assert len(rig.crew) == 0
    assert len(rig.pool.stopped) == 2
    assert rig.store.workers.of_actor("actor1") == []


def test_a_deleted_actor_gets_no_worker_even_if_it_was_gone_before_anybody_looked(store: SqlStore) -> None:
    """It is remembered as one that waits for a place; its row goes together with another deleted actor's."""
    rig = Rig(store, max_workers=1)
    rig.ready_actor("a")
    rig.ready_actor("b")
    rig.post(1, "a", "a")
    rig.settle()
    rig.post(1, "b", "b")
    rig.turn()
    store.actors.begin_delete(TENANT, "b", rig.clock.now())
    assert store.actors.finish_deletes() == 1

    rig.pool.end("a0000")
    rig.turn("actor:b")
    rig.turn(sweep=True)

    assert rig.crew.of("b") == []
    assert rig.pool.starting == {}


def _update(rig: Rig) -> None:
    def revise(actor: Actor) -> Actor:
        return replace(actor, revision=actor.revision + 1, status=ActorStatus.SUBMITTED, image="abacosamples/new")

    rig.store.actors.change(TENANT, "actor1", "ada", revise)


def test_workers_of_an_old_revision_finish_and_go_and_new_ones_come(rig: Rig) -> None:
    rig.ready_actor(max_workers=2)
    first, *others = rig.post(3)
    rig.settle()
    old = {member.worker_id for member in rig.crew}
    _update(rig)

    rig.turn("actor:actor1")
    assert rig.pool.starting == {}  # as many run as may
    rig.pool.end(first)
    rig.turn()
    assert len(rig.pool.stopped) == 1
    [order] = rig.pool.starting.values()
    assert order.image.name == "abacosamples/new:latest"
    assert others[1] not in rig.pool.ran

    rig.pool.ready()
    rig.turn()
    assert rig.actor()[0] is ActorStatus.READY
    assert rig.pool.ran[-1] == others[1]
    rig.pool.end(*rig.pool.running)
    rig.turn()
    assert set(rig.pool.stopped) == old
    assert {member.revision for member in rig.crew} == {2}


def test_a_worker_of_an_old_revision_gets_nothing_however_late_the_engine_hears_of_the_new_one(store: SqlStore) -> None:
    rig = Rig(store)
    rig.ready_actor()
    ask = store.workers.request("actor1", 1)
    rig.turn("actor:actor1")
    rig.pool.ready()
    rig.turn()
    assert ask.added == 1
    [id_] = rig.post(1)
    looked_at = rig.look()
    assert looked_at is not None
    _update(rig)
    store.actors.mark_ready("actor1", 2, rig.clock.now())

    # What the engine saw before the update is what it acts on.
    assert rig.dispatcher._claim(rig.dispatcher._requests([looked_at])) == 0

    assert rig.status(id_) is ExecutionStatus.SUBMITTED
    rig.settle()
    assert rig.pool.running[id_][0] in {member.worker_id for member in rig.crew if member.revision == 2}


def test_the_failure_of_an_old_revision_is_not_the_new_ones(rig: Rig) -> None:
    rig.ready_actor()
    rig.post(1)
    rig.turn()
    [first] = rig.pool.starting
    # It fails before the engine has heard of the update.
    _update(rig)
    rig.pool.fail("no such image")
    rig.turn()

    assert rig.actor()[0] is ActorStatus.SUBMITTED
    assert [member.revision for member in rig.crew] == [2]
    assert first not in {worker.id for worker in rig.store.workers.of_actor("actor1")}


def test_a_lowered_limit_holds_from_the_next_message_on(rig: Rig) -> None:
    rig.ready_actor(max_workers=3)
    rig.post(9)
    rig.settle()
    assert len(rig.pool.running) == 3
    rig.store.actors.change(TENANT, "actor1", "ada", lambda actor: replace(actor, max_workers=1))
    rig.turn("actor:actor1")

    rig.pool.end(*rig.pool.running)
    rig.turn()

    assert len(rig.pool.running) == 1
    assert len(rig.crew) == 1


def test_a_lowered_limit_holds_under_a_backlog_of_short_messages(rig: Rig) -> None:
    short = outcome(started_at=rig.clock.now(), finished_at=rig.clock.now() + timedelta(milliseconds=10))
    rig.ready_actor(max_workers=3)
    rig.post(100)
    rig.settle()
    for _ in range(3):
        rig.pool.end(*rig.pool.running, result=short)
        rig.turn()
    assert [len(member.claims) > 1 for member in rig.crew] == [True] * 3
    rig.store.actors.change(TENANT, "actor1", "ada", lambda actor: replace(actor, max_workers=1))
    rig.turn("actor:actor1")

    rig.turn()  # what they held goes back
    rig.pool.end(*rig.pool.running, result=short)
    rig.turn()

    assert (len(rig.pool.running), len(rig.crew)) == (1, 1)
    reasons = [event.reason for event in rig.events if isinstance(event, WorkerStopped)]
    assert reasons == ["fewer workers allowed"] * 2
    while rig.pool.running:
        rig.pool.end(*rig.pool.running, result=short)
        rig.turn()
    assert len(rig.pool.ran) == len(set(rig.pool.ran)) == 100


def test_a_lowered_limit_ends_workers_that_start_before_those_at_work(rig: Rig) -> None:
    rig.ready_actor(max_workers=3)
    [id_] = rig.post(1)
    rig.settle()
    rig.post(2, prefix="f")
    rig.turn()
    assert len(rig.pool.starting) == 2
    rig.store.actors.change(TENANT, "actor1", "ada", lambda actor: replace(actor, max_workers=1))
    rig.turn("actor:actor1")
    assert (list(rig.pool.running), rig.pool.starting) == ([id_], {})
    assert not any(member.leaving for member in rig.crew)


@pytest.mark.parametrize("busy", [True, False])
def test_an_actor_in_error_keeps_no_workers(rig: Rig, busy: bool) -> None:
    rig.ready_actor(max_workers=2)
    first, second = rig.post(2)
    rig.settle()
    if not busy:
        rig.pool.end(second)
        rig.turn()
    rig.store.actors.mark_error("actor1", 1, "trouble", rig.clock.now())
    rig.pool.end(first)
    rig.turn()
    assert len(rig.crew) == int(busy)
