"""Where the time of an execution went, and what limits it: kept from the POST to the end."""

from store.scene import NOW, TENANT, add_actor, claim, closing, later, new_message, post

from abaco.domain.execution import Execution
from abaco.ports import Requeue, Store


def found(store: Store, execution_id: str = "e1") -> Execution:
    execution = store.executions.find("actor1", execution_id)
    assert execution is not None
    return execution


def test_a_claim_is_dated_and_an_attempt_that_did_not_start_leaves_no_date(store: Store) -> None:
    add_actor(store)
    post(store, "e1")
    assert found(store).claimed_at is None
    assert claim(store, now=later(seconds=1))
    assert found(store).claimed_at == later(seconds=1)
    store.claims.requeue([Requeue("e1", 1, later(seconds=2), "no exec")])
    assert (found(store).claimed_at, found(store).started_at) == (None, None)
    assert claim(store, now=later(seconds=3))
    assert found(store).claimed_at == later(seconds=3)
    store.claims.reclaim("engine1", NOW, max_attempts=None)
    assert found(store).claimed_at is None


def test_closing_keeps_every_date_of_the_outcome_and_its_own(store: Store) -> None:
    add_actor(store)
    post(store, "e1")
    claimed = claim(store)
    assert claimed is not None
    ended = closing(
        claimed,
        prepared_at=later(milliseconds=10),
        started_at=later(milliseconds=20),
        first_output_at=later(milliseconds=35),
        finished_at=later(milliseconds=50),
    )
    assert store.executions.close("engine1", [ended], later(milliseconds=60)) == [True]
    execution = found(store)
    assert (execution.claimed_at, execution.prepared_at) == (NOW, later(milliseconds=10))
    assert (execution.started_at, execution.first_output_at) == (later(milliseconds=20), later(milliseconds=35))
    assert (execution.finished_at, execution.recorded_at) == (later(milliseconds=50), later(milliseconds=60))


def test_what_the_runtime_does_not_know_stays_unknown(store: Store) -> None:
    add_actor(store)
    post(store, "e1")
    claimed = claim(store)
    assert claimed is not None
    assert store.executions.close("engine1", [closing(claimed)], NOW) == [True]
    assert (found(store).prepared_at, found(store).first_output_at) == (None, None)


def test_dropping_a_message_is_dated(store: Store) -> None:
    add_actor(store)
    post(store, "e1")
    store.mailbox.purge("actor1", later(seconds=4))
    assert (found(store).claimed_at, found(store).recorded_at) == (None, later(seconds=4))


def test_limits_of_actor_and_message_reach_the_claim(store: Store) -> None:
    add_actor(store, max_run_time=60)
    store.mailbox.add([new_message("e1", max_run_time=2.5), new_message("e2")])
    limits = [(one.actor.max_run_time, one.max_run_time) for one in (claim(store), claim(store)) if one]
    assert limits == [(60, 2.5), (60, None)]
    position = store.actors.find(TENANT, "actor1", "ada")
    assert position is not None
    assert position.actor.max_run_time == 60
