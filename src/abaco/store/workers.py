"""Workers, and the engines that own them."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from abaco.domain.lifecycle import WorkerStatus
from abaco.domain.worker import Worker
from abaco.store.database import Database
from abaco.store.tables import engines, workers

__all__ = ["Engines", "Workers", "free"]

_FIELDS = [field.name for field in fields(Worker)]
_COLUMNS = [workers.c[name] for name in _FIELDS]


_FREE = (
    update(workers)
    .where(workers.c.id == bindparam("worker"), workers.c.status == WorkerStatus.BUSY)
    .values(status=WorkerStatus.READY)
)


def free(connection: Connection, worker_id: str | None) -> None:
    """A worker whose execution came to an end, or did not start, waits for the next one."""
    connection.execute(_FREE, {"worker": worker_id})


class Workers:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, worker: Worker) -> None:
        with self._database.write() as connection:
            connection.execute(insert(workers).values({name: getattr(worker, name) for name in _FIELDS}))

    def mark_ready(self, worker_id: str) -> None:
        with self._database.write() as connection:
            connection.execute(update(workers).where(workers.c.id == worker_id).values(status=WorkerStatus.READY))

    def remove(self, worker_ids: Sequence[str]) -> None:
        with self._database.write() as connection:
            connection.execute(delete(workers).where(workers.c.id.in_(worker_ids)))

    def of_actor(self, actor_id: str) -> list[Worker]:
        query = select(*_COLUMNS).where(workers.c.actor_id == actor_id).order_by(workers.c.seq)
        with self._database.read() as connection:
            rows = connection.execute(query).mappings().all()
        return [Worker(**{**row, "status": WorkerStatus(row["status"])}) for row in rows]


class Engines:
    def __init__(self, database: Database) -> None:
        self._database = database

    def register(self, engine_id: str, host: str, now: datetime, expires_at: datetime) -> list[str]:
        row = {"id": engine_id, "host": host, "started_at": now, "expires_at": expires_at}
        with self._database.write() as connection:
            former = connection.execute(select(engines.c.id).where(engines.c.host == host)).scalars().all()
            connection.execute(insert(engines).values(row))
        return list(former)

    def renew(self, engine_id: str, expires_at: datetime) -> bool:
        statement = update(engines).where(engines.c.id == engine_id).values(expires_at=expires_at)
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
