"""Everything there is, counted and added up by the database."""

from typing import Any

from sqlalchemy import Column, Connection, FromClause, Select, func, select

from abaco.domain.actor import Actor
from abaco.domain.lifecycle import WorkerStatus
from abaco.ports import Gauges, PlacedWorker, Totals
from abaco.store.database import Database
from abaco.store.rows import ACTOR_COLUMNS, to_actor
from abaco.store.tables import actors, counters, executions, messages, workers
from abaco.store.workers import select_placed, to_placed

__all__ = ["Admin"]

_EXISTING = actors.c.deleted_at.is_(None)
_UNLEASED = messages.c.engine_id.is_(None)


class Admin:
    def __init__(self, database: Database) -> None:
        self._database = database

    def actors(self) -> list[Actor]:
        query = select(*ACTOR_COLUMNS).where(_EXISTING).order_by(actors.c.seq)
        with self._database.read() as connection:
            return [to_actor(row) for row in connection.execute(query)]

    def workers(self) -> list[PlacedWorker]:
        with self._database.read() as connection:
            return [to_placed(row) for row in connection.execute(select_placed().order_by(workers.c.seq))]

    def waiting(self) -> dict[str, int]:
        with self._database.read() as connection:
            return _counts(connection, _waiting_by(messages.c.actor_id))

    def totals(self) -> dict[str, Totals]:
        # PostgreSQL's sums of BIGINT are NUMERIC.
        sums = [func.coalesce(func.sum(executions.c[name]), 0) for name in ("runtime", "cpu", "io")]
        query = select(executions.c.actor_id, func.count(), *sums).group_by(executions.c.actor_id)
        with self._database.read() as connection:
            return {actor_id: Totals(*map(int, numbers)) for actor_id, *numbers in connection.execute(query)}

    def actors_ever(self) -> int:
        query = select(counters.c.value).where(counters.c.name == "actors")
        with self._database.read() as connection:
            return connection.execute(query).scalar_one_or_none() or 0

    def counts(self) -> tuple[int, int, int]:
        requested = select(func.count()).select_from(workers).where(workers.c.status == WorkerStatus.REQUESTED)
        queries = (
            select(func.count()).select_from(actors).where(_EXISTING),
            select(func.count()).select_from(workers),
            requested,
        )
        with self._database.read() as connection:
            existing, staff, coming = (connection.execute(query).scalar_one() for query in queries)
        return existing, staff, coming

    def gauges(self, fullest: int) -> Gauges:
        by_tenant = _waiting_by(actors.c.tenant).join(actors, actors.c.id == messages.c.actor_id)
        by_actor = _waiting_by(messages.c.actor_id)
        with self._database.read() as connection:
            return Gauges(
                actors=_counts(connection, _count_by(actors, actors.c.status)),
                executions=_counts(connection, _count_by(executions, executions.c.status)),
                workers=_counts(connection, _count_by(workers, workers.c.status)),
                waiting=_counts(connection, by_tenant),
                fullest=_counts(connection, by_actor.order_by(func.count().desc()).limit(fullest)),
            )


def _count_by(table: FromClause, column: Column[Any]) -> Select[Any]:
    return select(column, func.count()).select_from(table).group_by(column)


def _waiting_by(column: Column[Any]) -> Select[Any]:
    return _count_by(messages, column).where(_UNLEASED)


def _counts(connection: Connection, query: Select[Any]) -> dict[str, int]:
    return {name: number for name, number in connection.execute(query)}  # noqa: C416 - rows are no pairs to mypy
