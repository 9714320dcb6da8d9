"""Actors: registering, finding, changing, the engine's word on their status, deleting."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Text,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    type_coerce,
    update,
)

from abaco.domain.actor import Actor
from abaco.domain.actor_event import ActorEventType
from abaco.domain.lifecycle import ACTOR_MOVES, ActorStatus, sources
from abaco.domain.permission import WORLD, Level
from abaco.errors import InvalidInput, NotFound
from abaco.ports import ActorPosition
from abaco.store.aliases import remove_aliases, remove_from_configs
from abaco.store.columns import ID, MOST_BYTES_AT_ONCE, Unindexed
from abaco.store.counters import count_up
from abaco.store.database import Database
from abaco.store.endings import drop_some, waiting
from abaco.store.outbox import announce
from abaco.store.permissions import effective_level, forget, grant, level_of, readable_by
from abaco.store.pieces import in_pieces, is_whole, remove_some
from abaco.store.rows import ACTOR_COLUMNS, actor_values, to_actor
from abaco.store.statement import Statement
from abaco.store.tables import actors, aliases, logs, messages, nonces, results, sends

__all__ = ["Actors"]

_EVENTS = {ActorStatus.READY: ActorEventType.ACTOR_READY, ActorStatus.ERROR: ActorEventType.ACTOR_ERROR}
_DELETED = "The actor was deleted before this message was executed."
_OWNERS = [table.c.actor_id for table in (messages, sends, logs, results)]


# What has no small limit of its own, and something for the rest.
_LONG = (actors.c.state, actors.c.default_environment, actors.c.description, actors.c.type)
_SIZE = sum((func.length(type_coerce(column, Text())) for column in _LONG), start=literal(512))


def _named(identifier: ColumnElement[str]) -> Select[Any]:
    return select(*ACTOR_COLUMNS, level_of(actors.c.id, "username"), level_of(actors.c.id, "world")).where(
        actors.c.id == identifier, actors.c.tenant == bindparam("tenant"), actors.c.deleted_at.is_(None)
    )


# Asked for with nearly every request: built once, since building a statement costs more than running it.
_BY_ID = Statement(_named(bindparam("identifier", type_=ID)))
_BY_ALIAS = Statement(
    _named(
        select(aliases.c.actor_id)
        .where(aliases.c.tenant == bindparam("tenant"), aliases.c.alias == bindparam("identifier"))
        .scalar_subquery()
    )
)


class Actors:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, actor: Actor) -> None:
        with self._database.write() as connection:
            connection.execute(insert(actors).values(actor_values(actor)))
            grant(self._database, connection, actor.id, actor.owner, Level.UPDATE)
            count_up(self._database, connection, "actors")

    def find(self, tenant: str, identifier: str, username: str) -> ActorPosition | None:
        asked = {"tenant": tenant, "identifier": identifier, "username": username, "world": WORLD}
        with self._database.read() as connection:
            row = _BY_ID.first(connection, asked)
            if row is None:
                row = _BY_ALIAS.first(connection, asked)
        return None if row is None else ActorPosition(to_actor(row), effective_level(username, row[-2], row[-1]))

    def list_visible(self, tenant: str, username: str) -> list[Actor]:
        visible = (
            Unindexed(actors.c.tenant) == tenant,
            actors.c.deleted_at.is_(None),
            readable_by(actors.c.id, username),
        )
        size = select(func.coalesce(func.sum(_SIZE), 0)).where(*visible)
        query = select(*ACTOR_COLUMNS).where(*visible).order_by(Unindexed(actors.c.seq))
        with self._database.read() as connection:
            if connection.execute(size).scalar_one() > MOST_BYTES_AT_ONCE:
                raise InvalidInput(
                    f"The actors you may read are larger than {MOST_BYTES_AT_ONCE >> 20} MiB together: list them by "
                    "parts, with limit and skip.",
                )
            return [to_actor(row) for row in connection.execute(query)]

    def owned(self, tenant: str, owner: str) -> list[str]:
        mine = and_(Unindexed(actors.c.tenant) == tenant, actors.c.owner == owner, actors.c.deleted_at.is_(None))
        with self._database.read() as connection:
            return list(connection.execute(select(actors.c.id).where(mine)).scalars())

    def exists(self, actor_id: str) -> bool:
        query = select(actors.c.id).where(actors.c.id == actor_id, actors.c.deleted_at.is_(None))
        with self._database.read() as connection:
            return connection.execute(query).one_or_none() is not None

    def change(self, tenant: str, actor_id: str, editor: str, revise: Callable[[Actor], Actor]) -> Actor:
        mine = and_(actors.c.id == actor_id, actors.c.tenant == tenant, actors.c.deleted_at.is_(None))
        with self._database.write() as connection:
            row = connection.execute(select(*ACTOR_COLUMNS).where(mine).with_for_update(key_share=True)).one_or_none()
            if row is None:
                raise NotFound(f"No actor found with identifier: {actor_id}.")
            former = to_actor(row)
            actor = revise(former)
            # One worker replaces all those of the former revision.
            renewed = {} if actor.revision == former.revision else {"requested_workers": 0}
            connection.execute(update(actors).where(mine).values({**actor_values(actor), **renewed}))
            if editor != actor.owner:
                grant(self._database, connection, actor_id, editor, Level.UPDATE)
        return actor

    def mark_ready(self, actor_id: str, revision: int, now: datetime) -> bool:
        return self._move(actor_id, revision, ActorStatus.READY, now, status_message=" ")

    def mark_error(self, actor_id: str, revision: int, reason: str, now: datetime) -> bool:
        return self._move(actor_id, revision, ActorStatus.ERROR, now, status_message=reason, requested_workers=0)

    def _move(self, actor_id: str, revision: int, target: ActorStatus, now: datetime, **values: Any) -> bool:
        statement = (
            update(actors)
            .where(
                actors.c.id == actor_id,
                actors.c.revision == revision,
                actors.c.status.in_(sources(ACTOR_MOVES, target)),
            )
            .values(status=target, **values)
        )
        with self._database.write() as connection:
            if connection.execute(statement).rowcount == 0:
                return False
            announce(connection, actor_id, _EVENTS[target], now, [{"status_message": values["status_message"]}])
        return True

    def begin_delete(self, tenant: str, actor_id: str, now: datetime) -> None:
        mine = and_(actors.c.id == actor_id, actors.c.tenant == tenant, actors.c.deleted_at.is_(None))
        with self._database.write() as connection:
            # FOR UPDATE on PostgreSQL: whoever adds messages or logs of this actor has finished, or will see it gone.
            if connection.execute(select(actors.c.id).where(mine).with_for_update()).one_or_none() is None:
                raise NotFound(f"No actor found with identifier: {actor_id}.")
            values = {"status": ActorStatus.SHUTTING_DOWN, "deleted_at": now}
            connection.execute(update(actors).where(actors.c.id == actor_id).values(values))
            remove_aliases(connection, aliases.c.actor_id == actor_id)
            remove_from_configs(connection, tenant, actor_id)
            connection.execute(delete(nonces).where(nonces.c.actor_id == actor_id))
        # Nothing is added any more. There may be millions; whoever crashes here leaves the rest to `finish_deletes`.
        for piece in _pieces(actor_id, now):
            in_pieces(self._database, piece)

    def remaining_executions(self, actor_id: str) -> int:
        running = and_(messages.c.actor_id == actor_id, messages.c.engine_id.is_not(None))
        query = select(func.count()).select_from(messages).where(running)
        with self._database.read() as connection:
            return connection.execute(query).scalar_one()

    def finish_deletes(self) -> int:
        deleted = select(actors.c.id, actors.c.deleted_at).where(actors.c.deleted_at.is_not(None))
        with self._database.write() as connection:
            rows = connection.execute(deleted.with_for_update(skip_locked=True)).all()
            # What a crash left, and an attempt lost after the deletion, whose message nobody will take (P2).
            pieces = (piece for actor_id, deleted_at in rows for piece in _pieces(actor_id, deleted_at))
            if any(is_whole(piece(connection)) for piece in pieces):
                return 0  # the rest another time: the engine has more to do
            candidates = actors.c.id.in_([actor_id for actor_id, _ in rows])
            gone = and_(candidates, *(~exists().where(owner == actors.c.id) for owner in _OWNERS))
            ids = connection.execute(delete(actors).where(gone).returning(actors.c.id)).scalars().all()
            forget(connection, list(ids))
        return len(ids)


def _pieces(actor_id: str, deleted_at: datetime) -> list[Callable[[Connection], int]]:
    """What removes a piece each of all that a deleted actor may have much of; they say how much it was."""
    return [
        partial(drop_some, which=waiting(actor_id), reason=_DELETED, now=deleted_at),
        partial(remove_some, key=sends.c.digest, which=sends.c.actor_id == actor_id),
        partial(remove_some, key=logs.c.execution_id, which=logs.c.actor_id == actor_id),
        partial(remove_some, key=results.c.seq, which=results.c.actor_id == actor_id),
    ]
