"""Ending executions inside a transaction: what is removed with their messages."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, delete, select, update

from abaco.domain.execution import not_run
from abaco.store.outbox import announce_ended
from abaco.store.pieces import first_of
from abaco.store.rows import outcome_values
from abaco.store.tables import chunks, executions, logs, messages, results, staged_states

__all__ = ["delete_messages", "drop_some", "end_unrun", "forget_attempts", "waiting"]


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


def waiting(actor_id: str) -> ColumnElement[bool]:
    """An actor's messages that wait."""
    return and_(messages.c.actor_id == actor_id, messages.c.engine_id.is_(None))


def drop_some(connection: Connection, which: ColumnElement[bool], reason: str, now: datetime) -> int:
    """Drop a piece of the messages and close their executions; how many. What is being claimed is left alone."""
    some = first_of(connection, select(messages.c.seq).where(which).order_by(messages.c.seq))
    ids = delete_messages(connection, messages.c.seq.in_(some))
    if ids:
        end_unrun(connection, ids, reason, now)
    return len(ids)


def forget_attempts(connection: Connection, ids: Sequence[str]) -> None:
    """Remove every trace of attempts that did not come to an end (P4)."""
    for table in (logs, results, staged_states):
        connection.execute(delete(table).where(table.c.execution_id.in_(ids)))
