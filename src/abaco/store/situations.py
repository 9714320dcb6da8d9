"""What surrounds an execution: its place in the line, its actor's workers, everybody's."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, or_, select

from abaco.domain.execution import Execution
from abaco.domain.explanation import Neighbour, Situation
from abaco.domain.lifecycle import WorkerStatus
from abaco.store.database import Database
from abaco.store.tables import actors, engines, executions, messages, workers

__all__ = ["Situations"]


class Situations:
    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, execution: Execution, now: datetime) -> Situation:
        mine = messages.c.actor_id == execution.actor_id
        own = select(messages.c.seq, messages.c.not_before, messages.c.retry_reason)
        # What its sender delayed holds nobody up.
        in_line = or_(
            messages.c.not_before.is_(None), messages.c.not_before <= now, messages.c.retry_reason.is_not(None)
        )
        staff = select(workers.c.status, func.count()).where(workers.c.actor_id == execution.actor_id)
        with self._database.read() as connection:
            message = connection.execute(own.where(messages.c.execution_id == execution.id)).one_or_none()
            before = [mine, messages.c.engine_id.is_(None), messages.c.seq < message.seq, in_line] if message else []
            return Situation(
                engines=_count(connection, engines, engines.c.expires_at > now),
                ahead=_count(connection, messages, *before) if message else 0,
                not_before=message and message.not_before,
                retry_reason=message and message.retry_reason,
                first=_first(connection, mine, in_line),
                workers={
                    WorkerStatus(status): count
                    for status, count in connection.execute(staff.group_by(workers.c.status))
                },
                all_workers=_count(connection, workers, workers.c.actor_id.in_(_same_queue(execution.actor_id))),
            )


def _same_queue(actor_id: str) -> Any:
    """The actors of the same queue."""
    queue = select(actors.c.queue).where(actors.c.id == actor_id).scalar_subquery()
    return select(actors.c.id).where(actors.c.queue == queue)


def _count(connection: Connection, table: Any, *conditions: Any) -> int:
    count: int = connection.execute(select(func.count()).select_from(table).where(*conditions)).scalar_one()
    return count


def _first(connection: Connection, *line: Any) -> Neighbour | None:
    """What runs, else the first that waits: what was delayed may fall due while a later one runs."""
    query = (
        select(messages.c.execution_id, executions.c.claimed_at, messages.c.not_before, messages.c.retry_reason)
        .join_from(messages, executions, messages.c.execution_id == executions.c.id)
        .where(*line)
        .order_by(messages.c.engine_id.is_(None), messages.c.seq)
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else Neighbour(*row)
