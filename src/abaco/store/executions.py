"""Executions: reading, halting, and the one transaction that closes an attempt."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, delete, exists, or_, select, update

from abaco.domain.execution import Execution
from abaco.domain.lifecycle import ExecutionStatus
from abaco.errors import Conflict, NotFound
from abaco.ports import Closing
from abaco.store.database import Database
from abaco.store.endings import delete_messages
from abaco.store.logs import write_log
from abaco.store.rows import EXECUTION_COLUMNS, outcome_values, to_execution
from abaco.store.tables import actors, executions, messages, staged_states
from abaco.store.workers import free

__all__ = ["Executions"]


class Executions:
    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, actor_id: str, execution_id: str) -> Execution | None:
        query = select(*EXECUTION_COLUMNS).where(executions.c.id == execution_id, executions.c.actor_id == actor_id)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return to_execution(row) if row else None

    def of_actor(self, actor_id: str) -> list[Execution]:
        query = select(*EXECUTION_COLUMNS).where(executions.c.actor_id == actor_id).order_by(executions.c.seq)
        with self._database.read() as connection:
            return [to_execution(row) for row in connection.execute(query)]

    def request_halt(self, actor_id: str, execution_id: str) -> None:
        mine = and_(executions.c.id == execution_id, executions.c.actor_id == actor_id)
        with self._database.write() as connection:
            status = connection.execute(select(executions.c.status).where(mine).with_for_update()).scalar_one_or_none()
            if status is None:
                raise NotFound(f"No execution {execution_id} found for actor {actor_id}.")
            if status != ExecutionStatus.RUNNING:
                raise Conflict(f"Only a RUNNING execution can be halted; execution {execution_id} is {status}.")
            connection.execute(update(executions).where(mine).values(halt_requested=True))

    def halts(self, engine_id: str) -> list[tuple[str, int]]:
        query = (
            select(executions.c.id, executions.c.attempts)
            .join_from(messages, executions, messages.c.execution_id == executions.c.id)
            .join(actors, actors.c.id == messages.c.actor_id)
            .where(
                messages.c.engine_id == engine_id,
                or_(executions.c.halt_requested, actors.c.deleted_at.is_not(None)),
            )
        )
        with self._database.read() as connection:
            return [(row.id, row.attempts) for row in connection.execute(query)]

    def close(self, engine_id: str, closings: Sequence[Closing], now: datetime) -> list[bool]:
        with self._database.write() as connection:
            # Executions are locked in the order of their ids everywhere, so that nobody waits in a circle.
            order = sorted(range(len(closings)), key=lambda index: closings[index].execution_id)
            landed = {index: self._close(connection, engine_id, closings[index], now) for index in order}
        return [landed[index] for index in range(len(closings))]

    def _close(self, connection: Connection, engine_id: str, closing: Closing, now: datetime) -> bool:
        leased = and_(messages.c.execution_id == closing.execution_id, messages.c.engine_id == engine_id)
        landed = (
            update(executions)
            .where(
                executions.c.id == closing.execution_id,
                executions.c.attempts == closing.attempt,
                executions.c.status == ExecutionStatus.RUNNING,
                exists().where(leased),
            )
            .values(outcome_values(closing.outcome))
            .returning(executions.c.actor_id, executions.c.worker_id)
        )
        row = connection.execute(landed).one_or_none()
        if row is None:
            return False
        _land_state(connection, row.actor_id, closing)
        expires_at = now + timedelta(seconds=closing.log_lifetime_seconds)
        write_log(self._database, connection, row.actor_id, closing.execution_id, closing.log_text, expires_at)
        delete_messages(connection, leased)
        free(connection, row.worker_id)
        return True


def _land_state(connection: Connection, actor_id: str, closing: Closing) -> None:
    """The state this attempt wrote becomes the actor's (P4); what another attempt staged is dropped unread."""
    staged = staged_states.c.execution_id == closing.execution_id
    removed = delete(staged_states).where(staged).returning(staged_states.c.attempt, staged_states.c.state)
    row = connection.execute(removed).one_or_none()
    if row is not None and row.attempt == closing.attempt:
        connection.execute(update(actors).where(actors.c.id == actor_id).values(state=row.state))
