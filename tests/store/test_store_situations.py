"""What surrounds an execution, for whoever wants to know why it waits."""

from store.scene import NOW, add_actor, claim, close, later, new_message, post

from abaco.domain.execution import Execution
from abaco.domain.explanation import Neighbour, Situation
from abaco.domain.lifecycle import WorkerStatus
from abaco.domain.worker import Worker
from abaco.ports import Requeue, Store


def found(store: Store, execution_id: str) -> Execution:
    execution = store.executions.find("actor1", execution_id)
    assert execution is not None
    return execution


def add_worker(store: Store, worker_id: str, actor_id: str = "actor1", status: str = "READY") -> None:
    store.workers.add(Worker(worker_id, "DEV", actor_id, "engine1", WorkerStatus(status), 1, "image", NOW))


def test_nothing_surrounds_the_only_one(store: Store) -> None:
    add_actor(store)
    post(store, "e1")
    assert store.situations.find(found(store, "e1"), NOW) == Situation(0, first=Neighbour("e1"))


def test_a_place_in_the_line_counts_those_that_wait_before(store: Store) -> None:
    add_actor(store)
    add_actor(store, "actor2")
    post(store, "e1", "e2", "e3", "e4")
    post(store, "other", actor_id="actor2")
    assert claim(store, now=later(seconds=1))
    situation = store.situations.find(found(store, "e4"), NOW)
    assert (situation.ahead, situation.first) == (2, Neighbour("e1", claimed_at=later(seconds=1)))
    assert store.situations.find(found(store, "e1"), NOW).ahead == 0


def test_a_failed_start_says_why_and_when(store: Store) -> None:
    add_actor(store)
    post(store, "e1", "e2")
    assert claim(store)
    store.claims.requeue([Requeue("e1", 1, later(seconds=10), "no exec")])
    own = store.situations.find(found(store, "e1"), NOW)
    assert (own.not_before, own.retry_reason) == (later(seconds=10), "no exec")
    behind = store.situations.find(found(store, "e2"), NOW)
    assert (behind.not_before, behind.retry_reason) == (None, None)
    assert behind.first == Neighbour("e1", None, later(seconds=10), "no exec")


def test_a_message_delayed_by_its_sender_is_first_once_it_is_due_and_nothing_runs(store: Store) -> None:
    add_actor(store)
    store.mailbox.add([new_message("delayed", executor={"not_before": later(seconds=10)})])
    post(store, "e1", "e2")
    last = found(store, "e2")
    assert store.situations.find(last, NOW).first == Neighbour("e1")
    running = claim(store)
    assert running is not None
    assert store.situations.find(last, later(seconds=10)).first == Neighbour("e1", claimed_at=NOW)
    assert close(store, running)
    assert store.situations.find(last, later(seconds=10)).first == Neighbour("delayed", None, later(seconds=10))


def test_an_attempt_that_was_lost_leaves_no_reason(store: Store) -> None:
    add_actor(store)
    post(store, "e1")
    assert claim(store)
    store.claims.requeue([Requeue("e1", 1, NOW, "no exec")])
    assert claim(store)
    store.claims.reclaim("engine1", NOW, max_attempts=None)
    assert store.situations.find(found(store, "e1"), NOW).retry_reason is None


def test_workers_and_engines_are_counted(store: Store) -> None:
    add_actor(store)
    post(store, "e1")
    for worker_id, status in (("w1", "READY"), ("w2", "READY"), ("w3", "BUSY")):
        add_worker(store, worker_id, status=status)
    add_actor(store, "actor2")
    add_worker(store, "w4", "actor2")
    add_actor(store, "actor3", queue="gpu")
    add_worker(store, "w5", "actor3")
    store.engines.register("engine1", "host1", NOW, later(seconds=10))
    store.engines.register("engine2", "host2", NOW, later(seconds=20))
    situation = store.situations.find(found(store, "e1"), later(seconds=15))
    assert situation.workers == {WorkerStatus.READY: 2, WorkerStatus.BUSY: 1}
    assert (situation.all_workers, situation.engines) == (4, 1)


def test_what_is_over_is_not_in_the_line(store: Store) -> None:
    add_actor(store)
    post(store, "e1")
    store.mailbox.purge("actor1", NOW)
    assert store.situations.find(found(store, "e1"), NOW) == Situation(0)
