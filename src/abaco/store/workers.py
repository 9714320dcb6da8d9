"""Workers, and the engines that own them."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, delete, exists, func, insert, select, update

from abaco.domain.lifecycle import WorkerStatus
from abaco.domain.worker import Worker
from abaco.errors import NotFound
from abaco.ports import PlacedWorker, WorkersAdded
from abaco.store.database import Database
from abaco.store.statement import Statement
from abaco.store.tables import actors, engines, messages, workers

__all__ = ["PLACED_COLUMNS", "Engines", "Workers", "free", "select_placed", "to_placed"]

_FIELDS = [field.name for field in fields(Worker)]
PLACED_COLUMNS = [*(workers.c[name] for name in _FIELDS), engines.c.host, engines.c.address, engines.c.renewed_at]


_FREE = Statement(
    update(workers)
    .where(
        workers.c.id.in_(bindparam("workers", expanding=True)),
        workers.c.status == WorkerStatus.BUSY,
        ~exists().where(messages.c.engine_id == workers.c.engine_id, messages.c.worker_id == workers.c.id),
    )
    .values(status=WorkerStatus.READY)
)


def free(connection: Connection, worker_ids: Iterable[str | None]) -> None:
    """Workers whose executions came to an end, or did not start, wait for messages unless they hold others."""
    _FREE.run(connection, {"workers": list(worker_ids)})


class Workers:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, worker: Worker) -> None:
        with self._database.write() as connection:
            connection.execute(insert(workers).values({name: getattr(worker, name) for name in _FIELDS}))

    def mark_ready(self, worker_id: str) -> None:
        requested = and_(workers.c.id == worker_id, workers.c.status == WorkerStatus.REQUESTED)
        with self._database.write() as connection:
            connection.execute(update(workers).where(requested).values(status=WorkerStatus.READY))

    def remove(self, worker_ids: Sequence[str], *, for_good: bool = False) -> None:
        gone = workers.c.id.in_(worker_ids)
        with self._database.write() as connection:
            # Actors are locked before their workers, as everywhere.
            lowered = _lock_requests(connection, select(workers.c.actor_id).where(gone)) if for_good else []
            connection.execute(delete(workers).where(gone))
            _lower_requests(connection, lowered)

    def of_actor(self, actor_id: str) -> list[Worker]:
        return [placed.worker for placed in self.placed(actor_id)]

    def placed(self, actor_id: str) -> list[PlacedWorker]:
        query = select_placed().where(workers.c.actor_id == actor_id).order_by(workers.c.seq)
        with self._database.read() as connection:
            return [to_placed(row) for row in connection.execute(query)]

    def find(self, actor_id: str, worker_id: str) -> PlacedWorker | None:
        query = select_placed().where(workers.c.actor_id == actor_id, workers.c.id == worker_id)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else to_placed(row)

    def request(self, actor_id: str, number: int) -> WorkersAdded:
        mine = and_(actors.c.id == actor_id, actors.c.deleted_at.is_(None))
        lock = select(actors.c.requested_workers).where(mine).with_for_update(key_share=True)
        with self._database.write() as connection:
            requested = connection.execute(lock).scalar_one_or_none()
            if requested is None:
                raise NotFound(f"No actor found with identifier: {actor_id}.")
            staying = select(_STAYING).where(actors.c.id == actor_id)
            before = max(requested, connection.execute(staying).scalar_one())
            if number > before:
                connection.execute(update(actors).where(mine).values(requested_workers=number))
        return WorkersAdded(before, max(0, number - before))

    def request_stop(self, actor_id: str, worker_id: str) -> None:
        mine = and_(workers.c.id == worker_id, workers.c.actor_id == actor_id)
        with self._database.write() as connection:
            lowered = _lock_requests(connection, select(workers.c.actor_id).where(mine))
            asked = update(workers).where(mine).values(status=WorkerStatus.SHUTDOWN_REQUESTED)
            if connection.execute(asked).rowcount == 0:
                raise NotFound(f"No worker {worker_id[:80]} found for actor {actor_id}.")
            _lower_requests(connection, lowered)

    def stopping(self, engine_id: str) -> list[str]:
        asked = and_(workers.c.engine_id == engine_id, workers.c.status == WorkerStatus.SHUTDOWN_REQUESTED)
        with self._database.read() as connection:
            return list(connection.execute(select(workers.c.id).where(asked)).scalars())


_STAYING = (
    select(func.count())
    .select_from(workers)
    .where(workers.c.actor_id == actors.c.id, workers.c.status != WorkerStatus.SHUTDOWN_REQUESTED)
    .correlate(actors)
    .scalar_subquery()
)
"""Workers of an actor that were not asked to stop."""


def _lock_requests(connection: Connection, actor_ids: Select[Any]) -> Sequence[str]:
    """Lock those of the actors that have requested workers; their ids."""
    query = select(actors.c.id).where(actors.c.id.in_(actor_ids), actors.c.requested_workers > 0)
    return connection.execute(query.order_by(actors.c.id).with_for_update(key_share=True)).scalars().all()


def _lower_requests(connection: Connection, actor_ids: Sequence[str]) -> None:
    """Nobody misses workers that went for good."""
    if actor_ids:
        fewer = and_(actors.c.id.in_(actor_ids), actors.c.requested_workers > _STAYING)
        connection.execute(update(actors).where(fewer).values(requested_workers=_STAYING))


def select_placed() -> Select[Any]:
    """Workers with their engines, as `to_placed` takes them."""
    joined = workers.outerjoin(engines, engines.c.id == workers.c.engine_id)
    return select(*PLACED_COLUMNS).select_from(joined)


def to_placed(row: Sequence[Any]) -> PlacedWorker:
    values = dict(zip(_FIELDS, row, strict=False))
    return PlacedWorker(Worker(**{**values, "status": WorkerStatus(values["status"])}), *row[len(_FIELDS) :])


class Engines:
    def __init__(self, database: Database) -> None:
        self._database = database

    def register(
        self, engine_id: str, host: str, now: datetime, expires_at: datetime, address: str | None = None
    ) -> list[str]:
        row = {
            "id": engine_id,
            "host": host,
            "address": address,
            "started_at": now,
            "renewed_at": now,
            "expires_at": expires_at,
        }
        with self._database.write() as connection:
            former = connection.execute(select(engines.c.id).where(engines.c.host == host)).scalars().all()
            connection.execute(insert(engines).values(row))
        return list(former)

    def renew(self, engine_id: str, now: datetime, expires_at: datetime) -> bool:
        statement = update(engines).where(engines.c.id == engine_id).values(renewed_at=now, expires_at=expires_at)
        with self._database.write() as connection:
            return connection.execute(statement).rowcount == 1

    def remove(self, engine_id: str) -> None:
        with self._database.write() as connection:
            connection.execute(delete(workers).where(workers.c.engine_id == engine_id))
            connection.execute(delete(engines).where(engines.c.id == engine_id))

    def expired(self, now: datetime) -> list[str]:
        query = select(engines.c.id).where(engines.c.expires_at <= now)
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    def any_alive(self, now: datetime) -> bool:
        query = select(engines.c.id).where(engines.c.expires_at > now).limit(1)
        with self._database.read() as connection:
            return connection.execute(query).one_or_none() is not None
