"""The mailbox: messages are born with their executions, all or none."""

import secrets
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event
from store.scene import NOW, TENANT, add_actor, claim, close, later, new_message, post, status_of

from abaco.domain.ids import new_id
from abaco.domain.lifecycle import ExecutionStatus
from abaco.domain.message import ContentType, Payload
from abaco.domain.send_key import SendKey
from abaco.errors import Conflict, NotFound
from abaco.ports import EarlierSend, Store
from abaco.store.database import Database, open_database, require_url
from abaco.store.sql import SqlStore

BINARY = Payload(ContentType.BINARY, None, 3)


def test_a_message_is_born_with_its_execution(store: Store) -> None:
    add_actor(store)
    message = new_message("e1")
    store.mailbox.add([message])
    assert store.executions.find("actor1", "e1") == message.execution
    assert store.mailbox.count("actor1") == 1


def test_a_thousand_messages_are_added_in_one_call_and_keep_their_order(store: Store) -> None:
    add_actor(store)
    ids = [f"e{number}" for number in range(1000)]
    post(store, *ids)
    assert store.mailbox.count("actor1") == 1000
    assert [execution.id for execution in store.executions.of_actor("actor1")] == ids


def test_messages_that_are_posted_together_change_few_pages_of_the_indexes(sqlite_url: str) -> None:
    """With ids that lie anywhere most of what a transaction writes is indexes."""

    def scattered() -> str:
        return secrets.token_hex(7)[:13]

    def written(fresh: Callable[[], str]) -> int:
        with database.read() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        post(store, *[fresh() for _ in range(100)])
        return Path(f"{require_url(sqlite_url).database}-wal").stat().st_size

    with closing(open_database(require_url(sqlite_url))) as database:
        store = SqlStore(database)
        add_actor(store)
        post(store, *[scattered() for _ in range(10_000)])
        assert written(new_id) < written(scattered) / 2


def test_adding_nothing_is_nothing(store: Store) -> None:
    add_actor(store)
    store.mailbox.add([])
    assert store.mailbox.count("actor1") == 0


def test_messages_are_added_all_or_none(store: Store) -> None:
    add_actor(store, "actor1")
    add_actor(store, "actor2")
    store.actors.begin_delete(TENANT, "actor2", NOW)
    with pytest.raises(NotFound):
        store.mailbox.add([new_message("e1", "actor1"), new_message("e2", "actor2")])
    assert store.mailbox.count("actor1") == 0
    assert store.executions.find("actor1", "e1") is None
    assert store.executions.find("actor2", "e2") is None


def test_a_message_to_an_unknown_actor_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound):
        post(store, "e1", actor_id="unknown")
    assert store.executions.find("unknown", "e1") is None


def test_the_count_leaves_out_what_is_being_executed(store: Store) -> None:
    add_actor(store)
    post(store, "e1", "e2", "e3")
    assert claim(store)
    assert store.mailbox.count("actor1") == 2
    assert store.mailbox.count("unknown") == 0


def test_the_oldest_message_waits_or_is_being_executed(store: Store) -> None:
    add_actor(store)
    assert store.mailbox.oldest("actor1") is None
    post(store, "e1", "e2")
    assert store.mailbox.oldest("actor1") == NOW
    running = claim(store)
    store.mailbox.purge("actor1", NOW)
    assert store.mailbox.oldest("actor1") == NOW
    assert running is not None
    close(store, running)
    assert store.mailbox.oldest("actor1") is None


def test_a_purge_ends_more_than_a_statement_has_parameters(store: Store) -> None:
    """PostgreSQL takes 65,535 of them."""
    add_actor(store)
    for start in range(0, 70_000, 7_000):
        post(store, *(f"e{number}" for number in range(start, start + 7_000)))
    assert store.mailbox.purge("actor1", NOW) == 70_000
    assert store.mailbox.count("actor1") == 0


def test_a_purge_ends_what_waits_and_leaves_what_runs(store: Store) -> None:
    """P2"""
    add_actor(store, "actor1")
    add_actor(store, "actor2")
    post(store, "e1", "e2", "e3")
    post(store, "other", actor_id="actor2")
    running = claim(store)
    assert running is not None
    assert store.mailbox.purge("actor1", NOW) == 2
    assert store.mailbox.purge("actor1", NOW) == 0
    for execution_id in ("e2", "e3"):
        execution = store.executions.find("actor1", execution_id)
        assert execution is not None
        assert execution.status is ExecutionStatus.ERROR
        assert execution.final_state is not None
        assert "purged" in execution.final_state["Error"]
    assert store.mailbox.count("actor2") == 1
    assert close(store, running)
    assert status_of(store, "e1") is ExecutionStatus.COMPLETE


def test_binary_data_comes_back_piece_by_piece_in_order(store: Store) -> None:
    add_actor(store)
    pieces = [bytes([n]) * 70_000 for n in range(12)]
    for position in reversed(range(12)):
        store.mailbox.add_chunk("e1", position, pieces[position], NOW)
    store.mailbox.add_chunk("e2", 0, b"another's", NOW)
    store.mailbox.add([new_message("e1", payload=BINARY)])
    assert list(store.mailbox.chunks("e1")) == pieces
    assert list(store.mailbox.chunks("unknown")) == []


def test_binary_data_goes_with_its_message(store: Store) -> None:
    add_actor(store)
    for execution_id in ("e1", "e2"):
        store.mailbox.add_chunk(execution_id, 0, b"abc", NOW)
        store.mailbox.add([new_message(execution_id, payload=BINARY)])
    claimed = claim(store)
    assert claimed is not None
    assert claimed.payload == BINARY
    assert close(store, claimed)
    assert list(store.mailbox.chunks("e1")) == []
    assert list(store.mailbox.chunks("e2")) == [b"abc"]
    store.mailbox.purge("actor1", NOW)
    assert list(store.mailbox.chunks("e2")) == []


def test_discarded_pieces_are_gone(store: Store) -> None:
    store.mailbox.add_chunk("e1", 0, b"abc", NOW)
    store.mailbox.add_chunk("e2", 0, b"abc", NOW)
    store.mailbox.discard_chunks("e1")
    assert list(store.mailbox.chunks("e1")) == []
    assert list(store.mailbox.chunks("e2")) == [b"abc"]


def test_only_old_pieces_without_a_message_are_pruned(store: Store) -> None:
    add_actor(store)
    store.mailbox.add_chunk("posted", 0, b"abc", NOW)
    store.mailbox.add([new_message("posted", payload=BINARY)])
    store.mailbox.add_chunk("orphan", 0, b"a", NOW)
    store.mailbox.add_chunk("orphan", 1, b"b", NOW)
    store.mailbox.add_chunk("uploading", 0, b"c", later(hours=1))
    assert store.mailbox.prune_chunks(later(hours=1)) == 2
    assert list(store.mailbox.chunks("posted")) == [b"abc"]
    assert list(store.mailbox.chunks("orphan")) == []
    assert list(store.mailbox.chunks("uploading")) == [b"c"]


def test_pruning_pieces_looks_at_those_without_a_message_only(sqlite_url: str) -> None:
    """The age of a piece stands behind its data, all of which SQLite reads to see it."""
    database = open_database(require_url(sqlite_url))
    store = SqlStore(database)
    add_actor(store)
    for execution_id, stored_at in (("waiting", NOW), ("orphan", NOW), ("uploading", later(hours=1))):
        store.mailbox.add_chunk(execution_id, 0, b"abc", stored_at)
    store.mailbox.add([new_message("waiting", payload=BINARY)])
    statements: list[tuple[str, Any]] = []

    def listen(_connection: Any, _cursor: Any, text: str, given: Any, *_rest: Any) -> None:
        statements.append((text, given))

    event.listen(Engine, "before_cursor_execute", listen)
    assert store.mailbox.prune_chunks(later(hours=1)) == 1
    event.remove(Engine, "before_cursor_execute", listen)

    with database.read() as connection:
        plans = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", given).all() for text, given in statements]
    store.close()
    looks = [row.detail for plan in plans for row in plan if " chunks " in row.detail]
    # All are gone through once, by an index that has all that is asked; then single executions are looked up.
    assert looks[0].startswith("SCAN chunks USING COVERING INDEX")
    assert len(looks) == 4  # two that have no message are looked at, one of them is removed
    assert all(look.startswith("SEARCH chunks USING") and "execution_id=?" in look for look in looks[1:])


def test_pruning_pieces_takes_no_writers_turn_for_nothing(
    store: Store, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_actor(store)
    store.mailbox.add_chunk("waiting", 0, b"abc", NOW)
    store.mailbox.add([new_message("waiting", payload=BINARY)])
    store.mailbox.add_chunk("uploading", 0, b"abc", later(hours=1))
    monkeypatch.setattr(database, "write", lambda: pytest.fail("It wrote."))
    assert store.mailbox.prune_chunks(later(hours=1)) == 0


def test_pieces_whose_message_comes_while_they_are_pruned_stay(
    store: Store, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_actor(store)
    store.mailbox.add_chunk("e1", 0, b"abc", NOW)
    write = database.write

    def late() -> AbstractContextManager[Connection]:
        monkeypatch.undo()
        store.mailbox.add([new_message("e1", payload=BINARY)])
        return write()

    monkeypatch.setattr(database, "write", late)
    assert store.mailbox.prune_chunks(later(hours=1)) == 0
    assert store.mailbox.count("actor1") == 1
    assert list(store.mailbox.chunks("e1")) == [b"abc"]


def test_a_key_stands_for_one_execution(store: Store) -> None:
    add_actor(store)
    add_actor(store, "actor2")
    key = SendKey("k", "content")
    assert store.mailbox.find_send("actor1", key) is None
    assert store.mailbox.add([new_message("e1", key=key)]) == {}
    again = new_message("e2", key=SendKey("k", "other content"))
    new = [new_message("e3"), new_message("e4", key=SendKey("l", "content")), new_message("e5", "actor2", key=key)]
    first = EarlierSend("e1", "content")
    assert store.mailbox.add([again, *new]) == {"e2": first}
    assert store.mailbox.find_send("actor1", key) == first
    assert store.mailbox.find_send("actor2", key) == EarlierSend("e5", "content")
    assert store.executions.find("actor1", "e2") is None
    assert [execution.id for execution in store.executions.of_actor("actor1")] == ["e1", "e3", "e4"]


def test_of_equal_keys_in_one_call_the_first_counts(store: Store) -> None:
    add_actor(store)
    messages = [new_message(f"e{n}", key=SendKey("k", f"content {n}")) for n in range(3)]
    first = EarlierSend("e0", "content 0")
    assert store.mailbox.add(messages) == {"e1": first, "e2": first}
    assert store.mailbox.add([new_message("e3", key=SendKey("k", ""))]) == {"e3": first}
    assert store.mailbox.count("actor1") == 1


def test_a_key_is_used_with_its_message_or_not_at_all(store: Store) -> None:
    add_actor(store)
    add_actor(store, "actor2")
    store.actors.begin_delete(TENANT, "actor2", NOW)
    key = SendKey("k", "content")
    with pytest.raises(NotFound):
        store.mailbox.add([new_message("e1", key=key), new_message("e2", "actor2", key=key)])
    assert store.mailbox.find_send("actor1", key) is None


def test_keys_outlive_their_messages_and_go_with_age_or_the_actor(store: Store) -> None:
    add_actor(store)
    add_actor(store, "actor2")
    key = SendKey("k", "content")
    store.mailbox.add([new_message("e1", key=key), new_message("e2", "actor2", key=key)])
    store.mailbox.purge("actor1", NOW)
    assert store.mailbox.prune_sends(NOW) == 0
    assert store.mailbox.find_send("actor1", key) is not None
    store.actors.begin_delete(TENANT, "actor2", NOW)
    assert store.mailbox.find_send("actor2", key) is None
    assert store.mailbox.prune_sends(later(seconds=1)) == 1
    assert store.mailbox.find_send("actor1", key) is None


def test_what_is_not_approved_is_not_added(store: Store) -> None:
    add_actor(store)
    store.mailbox.add([new_message("e1", key=SendKey("k", "content"))])

    def refuse(earlier: Mapping[str, EarlierSend]) -> None:
        raise Conflict(", ".join(earlier))

    with pytest.raises(Conflict, match=r"^e3$"):
        store.mailbox.add([new_message("e2"), new_message("e3", key=SendKey("k", "content"))], approve=refuse)
    assert store.executions.find("actor1", "e2") is None
    assert store.mailbox.count("actor1") == 1
