"""The mailbox: messages are born with their executions, counted, dropped."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import and_, bindparam, delete, exists, func, insert, or_, select
from sqlalchemy.exc import IntegrityError

from abaco.domain.send_key import SendKey
from abaco.errors import NotFound
from abaco.ports import EarlierSend, NewMessage
from abaco.store.births import Births
from abaco.store.database import Database
from abaco.store.endings import drop_some, waiting
from abaco.store.pieces import in_pieces
from abaco.store.sends import find_send
from abaco.store.statement import Statement
from abaco.store.tables import Moment, chunks, executions, messages, sends

__all__ = ["Mailbox"]

_PURGED = "The mailbox was purged before this message was executed."

# Built once: the latter is asked before every synchronous message.
_WAITING = (
    select(func.count())
    .select_from(messages)
    .where(messages.c.actor_id == bindparam("actor"), messages.c.engine_id.is_(None))
)
_COUNT = Statement(_WAITING)
_COUNT_DUE = Statement(
    _WAITING.where(or_(messages.c.not_before.is_(None), messages.c.not_before <= bindparam("now", type_=Moment())))
)
# Of the key's index alone: SQLite keeps `stored_at` behind the data, and walks through all of a piece to see it.
_WITHOUT_MESSAGE = (
    select(chunks.c.execution_id).where(~exists().where(messages.c.execution_id == chunks.c.execution_id)).distinct()
)


class Mailbox:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        new: Sequence[NewMessage],
        *,
        lasting: bool = True,
        approve: Callable[[Mapping[str, EarlierSend]], None] | None = None,
    ) -> dict[str, EarlierSend]:
        if not new:
            return {}
        births = Births(self._database.dialect, new)
        try:
            with self._database.write(lasting=lasting) as connection:
                earlier = births.insert(connection)
                if approve is not None:
                    approve(earlier)
        except IntegrityError:
            raise NotFound("The actor was deleted.") from None
        if earlier and lasting:
            self.sync()  # it may have been added by somebody who did not wait for the disk
        return earlier

    def sync(self) -> None:
        self._database.sync()

    def find_send(self, actor_id: str, key: SendKey) -> EarlierSend | None:
        with self._database.read() as connection:
            return find_send(connection, actor_id, key)

    def prune_sends(self, used_before: datetime) -> int:
        with self._database.write() as connection:
            return connection.execute(delete(sends).where(sends.c.created_at < used_before)).rowcount

    def add_chunk(self, execution_id: str, position: int, data: bytes, now: datetime) -> None:
        row = {"execution_id": execution_id, "position": position, "data": data, "stored_at": now}
        with self._database.write() as connection:
            connection.execute(insert(chunks).values(row))

    def discard_chunks(self, execution_id: str) -> None:
        with self._database.write() as connection:
            connection.execute(delete(chunks).where(chunks.c.execution_id == execution_id))

    def chunks(self, execution_id: str) -> Iterator[bytes]:
        position = 0
        while True:
            query = select(chunks.c.data).where(chunks.c.execution_id == execution_id, chunks.c.position == position)
            with self._database.read() as connection:
                data = connection.execute(query).scalar_one_or_none()
            if data is None:
                return
            yield data
            position += 1

    def count(self, actor_id: str, due_at: datetime | None = None) -> int:
        asked = {"actor": actor_id}
        with self._database.read() as connection:
            if due_at is None:
                return int(_COUNT.first(connection, asked)[0])
            return int(_COUNT_DUE.first(connection, {**asked, "now": due_at})[0])

    def oldest(self, actor_id: str) -> datetime | None:
        query = (
            select(executions.c.received_at)
            .join_from(messages, executions, messages.c.execution_id == executions.c.id)
            .where(messages.c.actor_id == actor_id)
            .order_by(messages.c.seq)
            .limit(1)
        )
        with self._database.read() as connection:
            return connection.execute(query).scalar_one_or_none()

    def purge(self, actor_id: str, now: datetime) -> int:
        with self._database.read() as connection:
            newest = connection.execute(select(func.max(messages.c.seq)).where(waiting(actor_id))).scalar_one()
        if newest is None:
            return 0
        # What is posted while pieces are dropped was not meant, and could keep this from ever ending.
        meant = and_(waiting(actor_id), messages.c.seq <= newest)
        return in_pieces(self._database, lambda connection: drop_some(connection, meant, _PURGED, now))

    def prune_chunks(self, stored_before: datetime) -> int:
        with self._database.read() as connection:
            orphans = list(connection.execute(_WITHOUT_MESSAGE).scalars())
        return sum(self._prune_chunks(execution_id, stored_before) for execution_id in orphans)

    def _prune_chunks(self, execution_id: str, stored_before: datetime) -> int:
        # Asked twice: an upload under way must not cost writers a turn, and its message may come between.
        orphaned = and_(
            chunks.c.execution_id == execution_id,
            chunks.c.stored_at < stored_before,
            ~exists().where(messages.c.execution_id == chunks.c.execution_id),
        )
        with self._database.read() as connection:
            if connection.execute(select(chunks.c.position).where(orphaned).limit(1)).one_or_none() is None:
                return 0
        with self._database.write() as connection:
            return connection.execute(delete(chunks).where(orphaned)).rowcount
