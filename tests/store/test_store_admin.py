"""What administrators and metrics see."""

from store.scene import NOW, add_actor, claim, closing, new_message, post

from abaco.domain.lifecycle import WorkerStatus
from abaco.domain.worker import Worker
from abaco.ports import Gauges, Store, Totals


def _run(store: Store, execution_id: str, actor_id: str, cpu: int) -> None:
    post(store, execution_id, actor_id=actor_id)
    taken = claim(store, actor_id)
    assert taken is not None
    assert store.executions.close("engine1", [closing(taken, cpu=cpu, io=1)], NOW) == [True]


def _worker(worker_id: str, actor_id: str, status: WorkerStatus) -> Worker:
    return Worker(worker_id, "DEV", actor_id, "engine1", status, 1, "abacosamples/test", NOW)


def test_executions_are_added_up_by_actor_also_when_it_is_gone(store: Store) -> None:
    for actor_id in ("a", "b", "idle"):
        add_actor(store, actor_id)
    _run(store, "e1", "a", cpu=2**40)
    _run(store, "e2", "a", cpu=2**62)
    _run(store, "e3", "b", cpu=7)
    store.actors.begin_delete("DEV", "b", NOW)
    assert store.actors.finish_deletes() == 1
    assert [actor.id for actor in store.admin.actors()] == ["a", "idle"]
    assert store.admin.totals() == {"a": Totals(2, 10, 2**40 + 2**62, 2), "b": Totals(1, 5, 7, 1)}


def test_every_actor_ever_registered_counts(store: Store) -> None:
    assert store.admin.actors_ever() == 0
    for actor_id in ("a", "b"):
        add_actor(store, actor_id, tenant=actor_id)
    store.actors.begin_delete("a", "a", NOW)
    store.actors.finish_deletes()
    assert store.admin.actors_ever() == 2
    assert store.admin.counts() == (1, 0, 0)


def test_workers_and_messages_of_all_tenants_are_seen(store: Store) -> None:
    for actor_id in ("a", "b"):
        add_actor(store, actor_id, tenant=actor_id)
    store.workers.add(_worker("w1", "a", WorkerStatus.REQUESTED))
    store.workers.add(_worker("w2", "b", WorkerStatus.BUSY))
    store.mailbox.add([new_message(f"e{n}", "a") for n in range(3)])
    store.mailbox.add([new_message("other", "b")])
    claim(store, "a")
    assert [placed.worker.id for placed in store.admin.workers()] == ["w1", "w2"]
    assert store.admin.waiting() == {"a": 2, "b": 1}
    assert store.admin.counts() == (2, 2, 1)
    assert store.admin.gauges(1) == Gauges(
        actors={"SUBMITTED": 2},
        executions={"SUBMITTED": 3, "RUNNING": 1},
        workers={"REQUESTED": 1, "BUSY": 1},
        waiting={"a": 2, "b": 1},
        fullest={"a": 2},
    )
