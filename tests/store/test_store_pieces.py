"""What is long is done in pieces, each a transaction of its own: nobody has to wait for all of it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Connection, Table, func, insert, select
from store.conftest import OpenStore
from store.scene import NOW, TENANT, add_actor, later, new_message, post, status_of

from abaco.domain.lifecycle import ExecutionStatus
from abaco.ports import Store
from abaco.store import pieces
from abaco.store.database import Database
from abaco.store.tables import logs, messages, results, sends

MANY = 1_200
PIECES = [1_200, 700, 200]
"""What is left before each of them."""


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "_AT_ONCE", 500)


class Watched:
    """How many rows a table has when a transaction begins; `between` is called before each."""

    def __init__(self, database: Database, monkeypatch: pytest.MonkeyPatch, table: Table) -> None:
        self.rows: list[int] = []
        self.between: Callable[[], object] = lambda: None
        self._database = database
        self._table = table
        self._write = database.write
        monkeypatch.setattr(database, "write", self._watch)

    def _watch(self, **given: Any) -> AbstractContextManager[Connection]:
        self.rows.append(count_of(self._database, self._table))
        self.between()
        return self._write(**given)


def count_of(database: Database, table: Table) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def add_many(database: Database, table: Table, expires_at: datetime, first: int = 0, count: int = MANY) -> None:
    content = {"text": "log"} if table is logs else {"data": b"result"}
    row = {"actor_id": "actor1", "expires_at": expires_at, **content}
    with database.write() as connection:
        connection.execute(insert(table), [{"execution_id": f"e{n}", **row} for n in range(first, first + count)])


def post_many(store: Store) -> None:
    store.mailbox.add([new_message(f"e{number}") for number in range(MANY)])


@pytest.mark.parametrize("table", [logs, results])
def test_what_has_expired_is_pruned_in_pieces(
    store: Store, database: Database, monkeypatch: pytest.MonkeyPatch, table: Table
) -> None:
    add_many(database, table, later(seconds=1))
    add_many(database, table, later(seconds=2), first=MANY, count=3)
    watched = Watched(database, monkeypatch, table)
    prune = store.logs.prune if table is logs else store.results.prune
    assert prune(later(seconds=1)) == MANY
    assert watched.rows == [left + 3 for left in PIECES]
    assert count_of(database, table) == 3


def test_a_purge_is_done_in_pieces_and_leaves_what_comes_meanwhile(
    store: Store, database: Database, monkeypatch: pytest.MonkeyPatch, open_store: OpenStore
) -> None:
    """P2"""
    add_actor(store)
    post_many(store)
    other = open_store()
    watched = Watched(database, monkeypatch, messages)
    watched.between = lambda: post(other, f"late{len(watched.rows)}")
    assert store.mailbox.purge("actor1", NOW) == MANY
    assert watched.rows == [left + come for come, left in enumerate(PIECES)]
    assert store.mailbox.count("actor1") == len(PIECES)
    assert {status_of(store, f"late{n}") for n in (1, 2, 3)} == {ExecutionStatus.SUBMITTED}
    ended = [one.status for one in store.executions.of_actor("actor1")]
    assert ended.count(ExecutionStatus.ERROR) == MANY


def test_a_purge_of_nothing_takes_no_writers_turn(
    store: Store, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_actor(store)
    watched = Watched(database, monkeypatch, messages)
    assert store.mailbox.purge("actor1", NOW) == 0
    assert watched.rows == []


class Killed(BaseException):
    """What ends a process."""


def add_all(store: Store, database: Database) -> None:
    add_actor(store)
    post_many(store)
    for table in (logs, results):
        add_many(database, table, later(hours=1))
    row = {"actor_id": "actor1", "execution_id": "e0", "content": "c", "created_at": NOW}
    with database.write() as connection:
        connection.execute(insert(sends), [{"digest": f"d{n}", **row} for n in range(MANY)])


def left_of_all(database: Database) -> list[int]:
    return [count_of(database, table) for table in (messages, sends, logs, results)]


def test_a_deletion_is_done_in_pieces_and_hides_the_actor_before(
    store: Store, database: Database, monkeypatch: pytest.MonkeyPatch, open_store: OpenStore
) -> None:
    add_all(store, database)
    add_actor(store, "actor2")
    other = open_store()
    watched = Watched(database, monkeypatch, logs)
    watched.between = lambda: post(other, f"other{len(watched.rows)}", actor_id="actor2")
    store.actors.begin_delete(TENANT, "actor1", NOW)
    assert watched.rows[0] == MANY  # while it is hidden
    assert watched.rows[-6:] == [*PIECES, 0, 0, 0]
    assert left_of_all(database) == [len(watched.rows), 0, 0, 0]  # those of the other actor
    assert {one.status for one in store.executions.of_actor("actor1")} == {ExecutionStatus.ERROR}
    assert store.actors.finish_deletes() == 1


@pytest.mark.parametrize("survived", [0, 1, 5, 9])
def test_a_deletion_that_was_cut_off_is_finished_in_pieces(
    store: Store, database: Database, monkeypatch: pytest.MonkeyPatch, survived: int
) -> None:
    """P2, P6"""
    add_all(store, database)

    def die() -> None:
        if len(watched.rows) > 1 + survived:
            raise Killed

    with monkeypatch.context() as patch:
        watched = Watched(database, patch, logs)
        watched.between = die
        with pytest.raises(Killed):
            store.actors.begin_delete(TENANT, "actor1", NOW)
    assert store.actors.find(TENANT, "actor1", "ada") is None
    rounds = [sum(left_of_all(database))]
    while not store.actors.finish_deletes():
        rounds.append(sum(left_of_all(database)))
    assert all(0 < before - after <= 1_500 for before, after in pairwise(rounds))
    assert left_of_all(database) == [0, 0, 0, 0]
    assert {one.status for one in store.executions.of_actor("actor1")} == {ExecutionStatus.ERROR}
