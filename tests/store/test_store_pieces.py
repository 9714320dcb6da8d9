"""What is long is done in pieces, each a transaction of its own: nobody has to wait for all of it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Connection, Table, func, insert, select
from store.conftest import OpenStore
from store.scene import NOW, add_actor, later, new_message, post, status_of

from abaco.domain.lifecycle import ExecutionStatus
from abaco.ports import Store
from abaco.store.database import Database
from abaco.store.tables import logs, messages, results

MANY = 12_000
PIECES = [12_000, 7_000, 2_000]
"""What is left before each of them."""


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
    for start in range(0, MANY, 4_000):
        store.mailbox.add([new_message(f"e{number}") for number in range(start, start + 4_000)])


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
