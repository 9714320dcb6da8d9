"""Workers, and the engines that own them."""

from store.scene import NOW, later

from abaco.domain.lifecycle import WorkerStatus
from abaco.domain.worker import Worker
from abaco.ports import Store


def a_worker(worker_id: str, actor_id: str = "actor1", engine_id: str = "engine1") -> Worker:
    return Worker(worker_id, "DEV", actor_id, engine_id, WorkerStatus.REQUESTED, 2, "abacosamples/test", NOW)


def ids(store: Store, actor_id: str = "actor1") -> list[str]:
    return [worker.id for worker in store.workers.of_actor(actor_id)]


def test_workers_are_listed_by_actor_in_the_order_they_were_added(store: Store) -> None:
    for worker_id in ("z", "a", "m"):
        store.workers.add(a_worker(worker_id))
    store.workers.add(a_worker("other", "actor2"))
    assert store.workers.of_actor("actor1") == [a_worker("z"), a_worker("a"), a_worker("m")]
    assert ids(store, "unknown") == []


def test_a_worker_becomes_ready(store: Store) -> None:
    store.workers.add(a_worker("w1"))
    store.workers.add(a_worker("w2"))
    store.workers.mark_ready("w1")
    assert [worker.status for worker in store.workers.of_actor("actor1")] == [
        WorkerStatus.READY,
        WorkerStatus.REQUESTED,
    ]


def test_removed_workers_are_gone(store: Store) -> None:
    for worker_id in ("w1", "w2", "w3"):
        store.workers.add(a_worker(worker_id))
    store.workers.remove(["w1", "w3", "unknown"])
    store.workers.remove([])
    assert ids(store) == ["w2"]


def test_registering_names_former_engines_of_the_same_host_only(store: Store) -> None:
    assert store.engines.register("engine1", "host1", NOW, later(seconds=30)) == []
    assert store.engines.register("engine2", "host2", NOW, later(seconds=30)) == []
    assert store.engines.register("engine3", "host1", NOW, later(seconds=30)) == ["engine1"]
    assert sorted(store.engines.register("engine4", "host1", NOW, later(seconds=30))) == ["engine1", "engine3"]


def test_a_renewed_lease_lasts_longer(store: Store) -> None:
    store.engines.register("engine1", "host1", NOW, later(seconds=30))
    store.engines.register("engine2", "host2", NOW, later(seconds=30))
    assert store.engines.renew("engine1", NOW, later(seconds=60))
    assert store.engines.expired(later(seconds=29)) == []
    assert store.engines.expired(later(seconds=30)) == ["engine2"]
    assert store.engines.any_alive(later(seconds=59))
    assert not store.engines.any_alive(later(seconds=60))


def test_an_engine_that_was_given_up_cannot_renew(store: Store) -> None:
    """P2: it learns that its messages are no longer its own."""
    store.engines.register("engine1", "host1", NOW, later(seconds=30))
    store.engines.remove("engine1")
    assert not store.engines.renew("engine1", NOW, later(seconds=60))
    assert not store.engines.any_alive(NOW)
    assert store.engines.expired(later(days=1)) == []


def test_removing_an_engine_removes_its_workers(store: Store) -> None:
    store.engines.register("engine1", "host1", NOW, later(seconds=30))
    store.workers.add(a_worker("w1", engine_id="engine1"))
    store.workers.add(a_worker("w2", engine_id="engine2"))
    store.engines.remove("engine1")
    assert ids(store) == ["w2"]
