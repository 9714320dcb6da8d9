"""Logs and results: what containers said, until it expires."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, insert, or_, select, text

from abaco.domain.lifecycle import ExecutionStatus
from abaco.ports import LogAppended, ResultSent, StoredResult
from abaco.store.alive import living
from abaco.store.database import Database
from abaco.store.pieces import remove_in_pieces
from abaco.store.statement import Statement
from abaco.store.tables import Moment, executions, logs, results

__all__ = ["Logs", "Results", "append_statement", "write_results"]


def append_statement(database: Database) -> Statement:
    """Adds to a log, of an actor that lives, and sets its expiry; each repository builds it once."""
    names = ("execution_id", "actor_id", "text", "expires_at")
    insertion = database.upsert(logs).values({name: bindparam(name) for name in names})
    return Statement(
        insertion.on_conflict_do_update(
            index_elements=["execution_id"],
            set_={"text": logs.c.text + insertion.excluded.text, "expires_at": insertion.excluded.expires_at},
        )
    )


# Built once: results and logs are written while containers wait for them to be read.
_CURRENT = Statement(
    select(executions.c.actor_id)
    .where(
        executions.c.id == bindparam("execution"),
        executions.c.attempts == bindparam("attempt"),
        executions.c.status == ExecutionStatus.RUNNING,
    )
    .with_for_update(read=True)
)
_FIRST = (
    select(results.c.seq)
    .where(results.c.execution_id == bindparam("execution"), results.c.expires_at > bindparam("now", type_=Moment()))
    .order_by(results.c.seq)
    .limit(1)
)
_POP = Statement(
    delete(results)
    .where(results.c.seq == _FIRST.with_for_update(skip_locked=True).scalar_subquery())
    .returning(results.c.data)
)
_PEEK = Statement(select(results.c.data).where(results.c.seq == _FIRST.scalar_subquery()))
_QUEUE_UP = text("SELECT pg_advisory_xact_lock(hashtextextended(:actor, 0))")
_RESULT = ("execution_id", "actor_id", "data", "expires_at")
_ADD_RESULTS = Statement(insert(results).values({name: bindparam(name) for name in _RESULT}))


def write_results(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add results, rows of `results`, of actors that live."""
    if rows:
        _queue_up(connection, {row["actor_id"] for row in rows})
        _ADD_RESULTS.run(connection, *rows)


def _queue_up(connection: Connection, actor_ids: Iterable[str]) -> None:
    """Number an actor's results in the order in which they can be read: who follows them asks for higher numbers.

    SQLite has one writer at a time anyway.
    """
    if connection.dialect.name == "postgresql":
        for actor_id in sorted(actor_ids):  # in the same order everywhere, so that nobody waits in a circle
            connection.execute(_QUEUE_UP, {"actor": f"results of {actor_id}"})


def _current_actor(connection: Connection, execution_id: str, attempt: int) -> str | None:
    """The actor of an execution whose attempt is the one that runs, locked against losing that; else None."""
    asked = {"execution": execution_id, "attempt": attempt}
    row = _CURRENT.first(connection, asked)
    return None if row is None else str(row.actor_id)


class Logs:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._append = append_statement(database)

    def find(self, execution_id: str, now: datetime) -> str:
        return self._read(logs.c.text, execution_id, now)

    def piece(self, execution_id: str, offset: int, length: int, now: datetime) -> str:
        return self._read(func.substr(logs.c.text, offset + 1, length), execution_id, now)

    def _read(self, what: ColumnElement[str], execution_id: str, now: datetime) -> str:
        unexpired = or_(logs.c.expires_at.is_(None), logs.c.expires_at > now)
        query = select(what).where(logs.c.execution_id == execution_id, unexpired)
        with self._database.read() as connection:
            return connection.execute(query).scalar_one_or_none() or ""

    def append(self, pieces: Sequence[LogAppended]) -> None:
        with self._database.write() as connection:
            for piece in sorted(pieces, key=lambda piece: piece.execution_id):
                actor_id = _current_actor(connection, piece.execution_id, piece.attempt)
                if actor_id is not None and living(connection, [actor_id]):
                    row = {"execution_id": piece.execution_id, "actor_id": actor_id, "text": piece.text}
                    self._append.run(connection, {**row, "expires_at": None})

    def prune(self, now: datetime) -> int:
        return remove_in_pieces(self._database, logs.c.execution_id, logs.c.expires_at <= now)


class Results:
    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, sent: Sequence[ResultSent], expires_at: datetime) -> set[str]:
        with self._database.write() as connection:
            rows = [
                {"execution_id": one.execution_id, "actor_id": actor_id, "data": one.data, "expires_at": expires_at}
                for one in sorted(sent, key=lambda one: one.execution_id)
                if (actor_id := _current_actor(connection, one.execution_id, one.attempt)) is not None
            ]
            alive = living(connection, (str(row["actor_id"]) for row in rows))
            write_results(connection, [row for row in rows if row["actor_id"] in alive])
        return {str(row["actor_id"]) for row in rows}

    def of_actor(self, actor_id: str, after: int, limit: int, now: datetime) -> list[StoredResult]:
        query = (
            select(results.c.seq, results.c.execution_id, results.c.data)
            .where(results.c.actor_id == actor_id, results.c.seq > after, results.c.expires_at > now)
            .order_by(results.c.seq)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [StoredResult(row.seq, row.execution_id, bytes(row.data)) for row in connection.execute(query)]

    def peek(self, execution_id: str, now: datetime) -> bytes | None:
        with self._database.read() as connection:
            row = _PEEK.first(connection, {"execution": execution_id, "now": now})
        return None if row is None else bytes(row.data)

    def pop(self, execution_id: str, now: datetime, *, lasting: bool = True) -> bytes | None:
        asked = {"execution": execution_id, "now": now}
        # Who asks over and over must not keep the engine from bringing one, as a writer does.
        if lasting and self.peek(execution_id, now) is None:
            return None
        with self._database.write(lasting=lasting) as connection:
            row = _POP.first(connection, asked)
        return None if row is None else bytes(row.data)

    def prune(self, now: datetime) -> int:
        return remove_in_pieces(self._database, results.c.seq, results.c.expires_at <= now)
