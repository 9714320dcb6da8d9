from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from store.conftest import OpenStore
from store.scene import NOW, add_actor, claim, close, later, post

from abaco.ports import ResultSent, Store


def start(store: Store, *execution_ids: str) -> None:
    add_actor(store)
    post(store, *execution_ids)
    for _ in execution_ids:
        assert claim(store)


def send(store: Store, *data: bytes, execution_id: str = "e1", attempt: int = 1) -> None:
    store.results.append([ResultSent(execution_id, attempt, one) for one in data], later(seconds=60))


def test_results_are_taken_oldest_first_and_once(store: Store) -> None:
    start(store, "e1", "e2")
    send(store, b"1", bytes(range(256)))
    send(store, b"other", execution_id="e2")
    send(store, b"", b"4")
    taken = [store.results.pop("e1", NOW) for _ in range(5)]
    assert taken == [b"1", bytes(range(256)), b"", b"4", None]
    assert store.results.pop("e2", NOW) == b"other"
    assert store.results.pop("unknown", NOW) is None


def test_results_outlast_their_execution_until_their_expiry(store: Store) -> None:
    """P5"""
    add_actor(store)
    post(store, "e1")
    claimed = claim(store)
    assert claimed is not None
    send(store, b"1", b"2")
    assert close(store, claimed)
    assert store.results.pop("e1", later(seconds=59)) == b"1"
    assert store.results.pop("e1", later(seconds=60)) is None
    assert store.results.pop("e1", later(seconds=59)) == b"2"


def test_no_number_is_used_again(store: Store) -> None:
    start(store, "e1")
    send(store, b"1")
    [first] = store.results.of_actor("actor1", 0, 10, NOW)
    assert store.results.pop("e1", NOW) == b"1"
    send(store, b"2")
    assert [each.data for each in store.results.of_actor("actor1", first.number, 10, NOW)] == [b"2"]


def test_only_expired_results_are_pruned(store: Store) -> None:
    """P5"""
    start(store, "e1")
    send(store, b"1")
    store.results.append([ResultSent("e1", 1, b"2")], later(seconds=120))
    assert store.results.prune(later(seconds=59)) == 0
    assert store.results.prune(later(seconds=60)) == 1
    assert store.results.pop("e1", NOW) == b"2"


def test_results_of_attempts_that_do_not_run_are_ignored(store: Store) -> None:
    """P4"""
    add_actor(store)
    post(store, "e1")
    send(store, b"waiting", attempt=0)
    claimed = claim(store)
    assert claimed is not None
    send(store, b"before", attempt=0)
    send(store, b"after", attempt=2)
    send(store, b"unknown", execution_id="unknown")
    assert close(store, claimed)
    send(store, b"late")
    assert store.results.pop("e1", NOW) is None


def test_two_callers_never_get_the_same_result(store: Store, open_store: OpenStore) -> None:
    start(store, "e1")
    sent = [str(number).encode() for number in range(100)]
    send(store, *sent)
    takers = [store, store, open_store(), open_store()]
    barrier = Barrier(len(takers))

    def take(taker: Store) -> list[bytes]:
        barrier.wait()
        return list(iter(lambda: taker.results.pop("e1", NOW), None))

    with ThreadPoolExecutor(len(takers)) as threads:
        shares = list(threads.map(take, takers))
    assert sorted(one for share in shares for one in share) == sorted(sent)
    for share in shares:
        assert share == sorted(share, key=int)
