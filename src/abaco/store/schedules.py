"""Schedules: who is due, and moving on together with the message of a firing."""

from datetime import datetime

from sqlalchemy import and_, select, update

from abaco.domain.actor import Actor
from abaco.ports import NewMessage
from abaco.store.births import insert_messages
from abaco.store.database import Database
from abaco.store.rows import ACTOR_COLUMNS, to_actor
from abaco.store.tables import actors

__all__ = ["Schedules"]

_ALIVE = actors.c.deleted_at.is_(None)


class Schedules:
    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self, now: datetime, limit: int) -> list[Actor]:
        query = select(*ACTOR_COLUMNS).where(actors.c.cron_next_at <= now, _ALIVE)
        with self._database.read() as connection:
            return [to_actor(row) for row in connection.execute(query.order_by(actors.c.cron_next_at).limit(limit))]

    def advance(self, actor: Actor, next_at: datetime | None, message: NewMessage | None) -> bool:
        unchanged = and_(
            actors.c.id == actor.id,
            actors.c.cron_next_at == actor.cron_next_at,
            actors.c.cron_schedule == actor.cron_schedule,
            actors.c.cron_on == actor.cron_on,
            _ALIVE,
        )
        with self._database.write() as connection:
            if connection.execute(update(actors).where(unchanged).values(cron_next_at=next_at)).rowcount == 0:
                return False
            if message is not None:
                insert_messages(connection, [message])
        return True

    def next_at(self) -> datetime | None:
        query = select(actors.c.cron_next_at).where(actors.c.cron_next_at.is_not(None), _ALIVE)
        query = query.order_by(actors.c.cron_next_at).limit(1)
        with self._database.read() as connection:
            return connection.execute(query).scalar_one_or_none()
