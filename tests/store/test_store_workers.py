"""Workers, and the engines that own them."""

from dataclasses import replace

import pytest
from store.scene import NOW, add_actor, claim, close, later, post

from abaco.domain.lifecycle import WorkerStatus
from abaco.domain.worker import Worker
from abaco.errors import NotFound
from abaco.ports import PlacedWorker, Store, WorkersAdded


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


def requested(store: Store, actor_id: str = "actor1") -> int:
    [waiting] = store.claims.waiting([actor_id], NOW, 1)
    return waiting.requested


def test_workers_are_shown_with_where_they_live(store: Store) -> None:
    store.engines.register("engine1", "host1:/data", NOW, later(seconds=30), "192.0.2.1")
    store.workers.add(a_worker("w1"))
    store.workers.add(a_worker("w2", engine_id="gone"))
    store.engines.renew("engine1", later(seconds=5), later(seconds=35))
    assert store.workers.placed("actor1") == [
        PlacedWorker(a_worker("w1"), "host1:/data", "192.0.2.1", later(seconds=5)),
        PlacedWorker(a_worker("w2", engine_id="gone"), None, None, None),
    ]
    assert store.workers.find("actor1", "w2") == PlacedWorker(a_worker("w2", engine_id="gone"), None, None, None)
    assert store.workers.find("actor2", "w2") is None


def test_requests_are_at_least_so_many(store: Store) -> None:
    add_actor(store)
    store.workers.add(a_worker("w1"))
    assert store.workers.request("actor1", 3) == WorkersAdded(before=1, added=2)
    assert store.workers.request("actor1", 2) == WorkersAdded(before=3, added=0)
    assert store.workers.request("actor1", 4) == WorkersAdded(before=3, added=1)
    assert requested(store) == 4


def test_what_there_is_anyway_needs_no_request(store: Store) -> None:
    add_actor(store)
    for worker_id in ("w1", "w2"):
        store.workers.add(a_worker(worker_id))
    assert store.workers.request("actor1", 2) == WorkersAdded(before=2, added=0)
    assert requested(store) == 0


def test_nobody_requests_workers_of_what_is_deleted(store: Store) -> None:
    add_actor(store)
    store.actors.begin_delete("DEV", "actor1", NOW)
    with pytest.raises(NotFound):
        store.workers.request("actor1", 1)


def test_an_actor_with_requested_workers_gets_a_look_also_when_ready(store: Store) -> None:
    for actor_id in ("actor1", "actor2"):
        add_actor(store, actor_id)
        store.actors.mark_ready(actor_id, 1, NOW)
    assert store.claims.waiting(None, NOW, 1) == []
    store.workers.request("actor2", 2)
    assert [(w.actor.id, w.count, w.requested) for w in store.claims.waiting(None, NOW, 1)] == [("actor2", 0, 2)]


def test_workers_that_go_for_good_are_not_missed(store: Store) -> None:
    add_actor(store)
    store.workers.request("actor1", 3)
    for worker_id in ("w1", "w2", "w3"):
        store.workers.add(a_worker(worker_id))
    store.workers.remove(["w1"])
    assert requested(store) == 3
    store.workers.remove(["w2"], for_good=True)
    assert requested(store) == 1
    store.workers.remove(["w3"], for_good=True)
    assert requested(store) == 0


def test_a_new_revision_and_an_error_forget_the_request(store: Store) -> None:
    actor = add_actor(store)
    store.workers.request("actor1", 2)
    store.actors.change("DEV", "actor1", "ada", lambda actor: replace(actor, name="new"))
    assert requested(store) == 2
    store.actors.change("DEV", "actor1", "ada", lambda actor: replace(actor, revision=actor.revision + 1))
    assert requested(store) == 0
    store.workers.request("actor1", 2)
    assert store.actors.mark_error("actor1", actor.revision + 1, "broken", NOW)
    assert requested(store) == 0


def test_a_worker_that_was_asked_to_stop_stays_so(store: Store) -> None:
    add_actor(store)
    store.workers.request("actor1", 2)
    for worker_id in ("worker1", "worker2"):
        store.workers.add(a_worker(worker_id))
    store.workers.mark_ready("worker1")
    store.workers.request_stop("actor1", "worker1")
    assert requested(store) == 1
    store.workers.mark_ready("worker1")
    post(store, "e1")
    taken = claim(store, worker="worker1")
    assert taken is not None
    close(store, taken)
    assert [(w.status, w.last_execution_at) for w in store.workers.of_actor("actor1")] == [
        (WorkerStatus.SHUTDOWN_REQUESTED, NOW),
        (WorkerStatus.REQUESTED, None),
    ]
    assert store.workers.stopping("engine1") == ["worker1"]
    assert store.workers.stopping("engine2") == []


@pytest.mark.parametrize(("actor_id", "worker_id"), [("actor1", "unknown"), ("actor2", "worker1")])
def test_only_workers_of_the_actor_are_asked_to_stop(store: Store, actor_id: str, worker_id: str) -> None:
    store.workers.add(a_worker("worker1"))
    with pytest.raises(NotFound):
        store.workers.request_stop(actor_id, worker_id)
    assert store.workers.stopping("engine1") == []
