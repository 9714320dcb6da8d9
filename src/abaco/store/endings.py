"""Ending executions inside a transaction: what is removed with their messages."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, delete, select, update

from abaco.domain.execution import not_run
from abaco.store.outbox import announce_ended
from abaco.store.rows import outcome_values
from abaco.store.tables import chunks, executions, logs, messages, results, staged_states

__all__ = ["delete_messages", "drop_waiting", "end_unrun", "forget_attempts"]

_AT_ONCE = 5_000
"""Far below the number of parameters that a statement may have."""


def delete_messages(connection: Connection, which: ColumnElement[bool]) -> list[str]:
    """Remove messages and their binary data; the ids of their executions."""
    statement = delete(messages).where(which).returning(messages.c.execution_id)
    ids = list(connection.execute(statement).scalars())
    connection.execute(delete(chunks).where(chunks.c.execution_id.in_(ids)))
    return ids


def end_unrun(connection: Connection, ids: Sequence[str], reason: str, now: datetime) -> None:
    """Close executions that will not run, in ERROR with `reason`."""
    values = outcome_values(not_run(reason, now), now)
    connection.execute(update(executions).where(executions.c.id.in_(ids)).values(values))
    announce_ended(connection, ids, now)


def drop_waiting(connection: Connection, actor_id: str, reason: str, now: datetime) -> int:
    """Drop an actor's waiting messages and close their executions; how many."""
    waiting = and_(messages.c.actor_id == actor_id, messages.c.engine_id.is_(None))
    some = select(messages.c.seq).where(waiting).order_by(messages.c.seq).limit(_AT_ONCE)
    count = 0
    # `waiting` once more: PostgreSQL looks at it again where a message was claimed meanwhile.
    while ids := delete_messages(connection, and_(waiting, messages.c.seq.in_(some))):
        end_unrun(connection, ids, reason, now)
        count += len(ids)
    return count


def forget_attempts(connection: Connection, ids: Sequence[str]) -> None:
    """Remove every trace of attempts that did not come to an end (P4)."""
    for table in (logs, results, staged_states):
        connection.execute(delete(table).where(table.c.execution_id.in_(ids)))
