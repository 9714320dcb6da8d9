"""Events on their way out: written in the transaction of what they tell of, handed over in order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, func, insert, or_, select, update

from abaco.domain.actor_event import ActorEventType, actor_event
from abaco.ports import NewMessage, OutboxEntry
from abaco.store.births import insert_messages
from abaco.store.database import Database
from abaco.store.tables import actors, executions, outbox

__all__ = ["LISTENED_TO", "Outbox", "announce", "announce_ended"]

LISTENED_TO: ColumnElement[bool] = and_(actors.c.deleted_at.is_(None), or_(actors.c.link != "", actors.c.webhook != ""))
"""Actors whose events somebody wants."""
_FIELDS = [field.name for field in fields(OutboxEntry)]
_COLUMNS = [outbox.c[name] for name in _FIELDS]
_SOURCE = (actors.c.id, actors.c.tenant, actors.c.owner, actors.c.api_server, actors.c.link, actors.c.webhook)


def announce(
    connection: Connection, actor_id: str, kind: ActorEventType, now: datetime, details: Iterable[Mapping[str, Any]]
) -> None:
    """Add events of an actor, one for each of `details`, inside the transaction of what happened.

    Nothing happens if nobody listens.
    """
    source = connection.execute(select(*_SOURCE).where(actors.c.id == actor_id, LISTENED_TO)).one_or_none()
    if source is None:
        return
    kept = {
        "tenant": source.tenant,
        "actor_id": actor_id,
        "owner": source.owner,
        "api_server": source.api_server,
        "link": source.link,
        "webhook": source.webhook,
        "created_at": now,
        "attempts": 0,
        "next_at": now,
    }
    rows = [
        {**kept, "event": actor_event(kind, source.tenant, actor_id, source.webhook, now, more)} for more in details
    ]
    if rows:
        connection.execute(insert(outbox), rows)


def announce_ended(connection: Connection, execution_ids: Sequence[str], now: datetime) -> None:
    """Add the events of executions that ended without being run, inside that transaction."""
    query = (
        select(executions.c.id, executions.c.actor_id, executions.c.status, executions.c.exit_code)
        .join_from(executions, actors, actors.c.id == executions.c.actor_id)
        .where(executions.c.id.in_(execution_ids), LISTENED_TO)
        .order_by(executions.c.seq)
    )
    by_actor: dict[str, list[dict[str, Any]]] = {}
    for row in connection.execute(query):
        details = {"execution_id": row.id, "status": row.status, "exit_code": row.exit_code}
        by_actor.setdefault(row.actor_id, []).append(details)
    for actor_id, ended in by_actor.items():
        announce(connection, actor_id, ActorEventType.EXECUTION_COMPLETE, now, ended)


def _in_turns(which: ColumnElement[bool], now: datetime, limit: int) -> Select[Any]:
    """Of the events that are due, each tenant's first before anybody's second."""
    heads = select(func.min(outbox.c.seq)).group_by(outbox.c.actor_id)
    order = (outbox.c.next_at, outbox.c.seq)
    place = func.row_number().over(partition_by=outbox.c.tenant, order_by=order).label("place")
    # By themselves, since what is sorted is better short: only those that are taken are read as a whole.
    placed = select(outbox.c.seq, place).where(outbox.c.seq.in_(heads), outbox.c.next_at <= now, which).subquery()
    return (
        select(*_COLUMNS)
        .join_from(placed, outbox, outbox.c.seq == placed.c.seq)
        .where(placed.c.place <= limit)
        .order_by(placed.c.place, *order)
        .limit(limit)
    )


class Outbox:
    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self, now: datetime, limit: int, busy_tenants: Sequence[str] = ()) -> list[OutboxEntry]:
        # Links take no connection: neither a tenant's slow webhooks nor a backlog of them hold them up, or they those.
        links = outbox.c.link != ""
        webhooks = and_(outbox.c.link == "", outbox.c.tenant.not_in(busy_tenants))
        with self._database.read() as connection:
            rows = [row for which in (links, webhooks) for row in connection.execute(_in_turns(which, now, limit))]
        return [OutboxEntry(*row) for row in rows]

    def hand_over(self, entry: OutboxEntry, message: NewMessage | None, event: Mapping[str, Any]) -> bool:
        mine = and_(outbox.c.seq == entry.seq, outbox.c.link == entry.link)
        with self._database.write() as connection:
            if entry.webhook:
                changed = connection.execute(update(outbox).where(mine).values(link="", event=dict(event)))
            else:
                changed = connection.execute(delete(outbox).where(mine))
            if changed.rowcount == 0:
                return False
            if message is not None:
                insert_messages(connection, [message])
        return True

    def lease(self, entry: OutboxEntry, until: datetime) -> OutboxEntry | None:
        return replace(entry, next_at=until) if self._set(entry, next_at=until) else None

    def retry(self, entry: OutboxEntry, at: datetime) -> None:
        self._set(entry, next_at=at, attempts=entry.attempts + 1)

    def release(self, entry: OutboxEntry, now: datetime) -> None:
        self._set(entry, next_at=now)

    def _set(self, entry: OutboxEntry, **values: Any) -> bool:
        # Whoever else takes the event moves `next_at`: only what stands as it was seen is one's own.
        mine = and_(outbox.c.seq == entry.seq, outbox.c.next_at == entry.next_at)
        with self._database.write() as connection:
            return connection.execute(update(outbox).where(mine).values(**values)).rowcount == 1

    def remove(self, entry: OutboxEntry) -> None:
        with self._database.write() as connection:
            connection.execute(delete(outbox).where(outbox.c.seq == entry.seq))

    def prune(self, keep: int) -> dict[str, int]:
        full = select(outbox.c.actor_id).group_by(outbox.c.actor_id).having(func.count() > keep)
        with self._database.read() as connection:
            crowded = list(connection.execute(full).scalars())
        dropped = {}
        for actor_id in crowded:
            mine = outbox.c.actor_id == actor_id
            newest = select(outbox.c.seq).where(mine).order_by(outbox.c.seq.desc()).offset(keep).limit(1)
            with self._database.write() as connection:
                older = and_(mine, outbox.c.seq <= newest.scalar_subquery())
                dropped[actor_id] = connection.execute(delete(outbox).where(older)).rowcount
        return dropped
