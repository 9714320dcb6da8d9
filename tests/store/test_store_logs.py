from store.scene import NOW, add_actor, claim, close, closing, later, post

from abaco.ports import LogAppended, Store


def start(store: Store, execution_id: str = "e1") -> None:
    add_actor(store)
    post(store, execution_id)
    assert claim(store)


def test_a_log_grows_while_its_execution_runs(store: Store) -> None:
    start(store)
    assert store.logs.find("e1", NOW) == ""
    store.logs.append([LogAppended("e1", 1, "one\n"), LogAppended("e1", 1, "two\n")])
    assert store.logs.find("e1", NOW) == "one\ntwo\n"
    store.logs.append([LogAppended("e1", 1, "three")])
    assert store.logs.find("e1", later(days=365)) == "one\ntwo\nthree"


def test_a_log_can_be_read_in_pieces(store: Store) -> None:
    start(store)
    assert store.logs.piece("e1", 0, 10, NOW) == ""
    store.logs.append([LogAppended("e1", 1, "0ü2😀4567")])
    for offset, length, text in ((0, 3, "0ü2"), (3, 2, "😀4"), (5, 100, "567"), (8, 5, ""), (10**9, 5, "")):
        assert store.logs.piece("e1", offset, length, NOW) == text


def test_pieces_of_many_executions_keep_their_order(store: Store) -> None:
    add_actor(store)
    post(store, "e2", "e1")
    assert claim(store)
    assert claim(store)
    store.logs.append([LogAppended(f"e{1 + n % 2}", 1, f"{n} ") for n in range(6)])
    assert store.logs.find("e1", NOW) == "0 2 4 "
    assert store.logs.find("e2", NOW) == "1 3 5 "


def test_a_log_is_readable_until_its_expiry_and_no_longer(store: Store) -> None:
    """P5: the lifetime counts from the closing."""
    add_actor(store)
    post(store, "e1")
    claimed = claim(store)
    assert claimed is not None
    closed_at = later(minutes=1)
    assert store.executions.close("engine1", [closing(claimed, "log", lifetime_seconds=60)], closed_at) == [True]
    assert store.logs.find("e1", later(minutes=2, seconds=-1)) == "log"
    assert store.logs.find("e1", later(minutes=2)) == ""


def test_only_expired_logs_are_pruned(store: Store) -> None:
    """P5"""
    add_actor(store)
    post(store, "e1", "e2", "running")
    for lifetime in (60, 120):
        claimed = claim(store)
        assert claimed is not None
        store.executions.close("engine1", [closing(claimed, "log", lifetime_seconds=lifetime)], NOW)
    assert claim(store)
    store.logs.append([LogAppended("running", 1, "log")])
    assert store.logs.prune(later(seconds=60)) == 1
    assert store.logs.prune(later(seconds=60)) == 0
    assert store.logs.find("e2", later(seconds=60)) == "log"
    assert store.logs.prune(later(days=365)) == 1
    assert store.logs.find("running", later(days=365)) == "log"


def test_word_of_attempts_that_do_not_run_is_ignored(store: Store) -> None:
    """P4"""
    add_actor(store)
    post(store, "e1", "e2")
    store.logs.append([LogAppended("e1", 0, "waiting"), LogAppended("e1", 1, "waiting"), LogAppended("no", 1, "?")])
    claimed = claim(store)
    assert claimed is not None
    store.logs.append([LogAppended("e1", 0, "before"), LogAppended("e1", 2, "after")])
    assert store.logs.find("e1", NOW) == ""
    assert close(store, claimed, "end")
    store.logs.append([LogAppended("e1", 1, "late")])
    assert store.logs.find("e1", NOW) == "end"


def test_a_long_log_is_kept_whole(store: Store) -> None:
    start(store)
    for _ in range(4):
        store.logs.append([LogAppended("e1", 1, "\u20ac" * 250_000)])
    assert store.logs.find("e1", NOW) == "\u20ac" * 1_000_000
