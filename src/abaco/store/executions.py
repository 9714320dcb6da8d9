"""Executions: reading, halting, and the one transaction that closes an attempt."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import BindParameter, Connection, String, and_, bindparam, delete, exists, func, or_, select, update

from abaco.domain.actor_event import ActorEventType
from abaco.domain.execution import Execution
from abaco.domain.lifecycle import ExecutionStatus
from abaco.errors import Conflict, NotFound
from abaco.ports import Closing
from abaco.store.database import Database
from abaco.store.logs import append_statement, write_log
from abaco.store.outbox import LISTENED_TO, announce
from abaco.store.rows import EXECUTION_COLUMNS, outcome_values, to_execution
from abaco.store.tables import Moment, actors, chunks, executions, messages, staged_states
from abaco.store.workers import free

__all__ = ["Executions"]


class Executions:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._append_log = append_statement(database)

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
        lease = {"lease_execution": closing.execution_id, "lease_engine": engine_id}
        outcome = {f"new_{name}": value for name, value in outcome_values(closing.outcome, now).items()}
        row = connection.execute(_LAND, {**_KEPT, **outcome, **lease, "attempt": closing.attempt}).one_or_none()
        if row is None:
            return False
        _land_state(connection, row.actor_id, closing)
        expires_at = now + timedelta(seconds=closing.log_lifetime_seconds)
        write_log(connection, self._append_log, row.actor_id, closing.execution_id, closing.log_text, expires_at)
        connection.execute(_REMOVE_MESSAGE, {"lease_execution": closing.execution_id})
        connection.execute(_REMOVE_CHUNKS, {"lease_execution": closing.execution_id})
        free(connection, row.worker_id)
        if row.is_listened_to:
            out = closing.outcome
            details = {"execution_id": closing.execution_id, "status": out.status, "exit_code": out.exit_code}
            announce(connection, row.actor_id, ActorEventType.EXECUTION_COMPLETE, now, [details])
        return True


def _land_state(connection: Connection, actor_id: str, closing: Closing) -> None:
    """The state this attempt wrote becomes the actor's (P4); what another attempt staged is dropped unread."""
    row = connection.execute(_TAKE_STAGED, {"lease_execution": closing.execution_id}).one_or_none()
    if row is not None and row.attempt == closing.attempt:
        connection.execute(update(actors).where(actors.c.id == actor_id).values(state=row.state))


# The statements of closing are built once: it happens for every execution, with the database locked (SQLite), and
# building a statement costs more than running it. A start or digest that is not given stays as it is.
_KEPT = {"new_started_at": None, "new_image_digest": None}
_SET = (
    *("status", "prepared_at", "first_output_at", "finished_at", "recorded_at"),
    *("runtime", "cpu", "io", "exit_code", "final_state"),
)
_EXECUTION: BindParameter[str] = bindparam("lease_execution", type_=String())
_LAND = (
    update(executions)
    .where(
        executions.c.id == _EXECUTION,
        executions.c.attempts == bindparam("attempt"),
        executions.c.status == ExecutionStatus.RUNNING,
        exists().where(messages.c.execution_id == _EXECUTION, messages.c.engine_id == bindparam("lease_engine")),
    )
    .values(
        {name: bindparam(f"new_{name}") for name in _SET}
        | {
            "started_at": func.coalesce(bindparam("new_started_at", type_=Moment()), executions.c.started_at),
            "image_digest": func.coalesce(bindparam("new_image_digest", type_=String()), executions.c.image_digest),
        },
    )
    .returning(
        executions.c.actor_id,
        executions.c.worker_id,
        exists().where(actors.c.id == executions.c.actor_id, LISTENED_TO).correlate(executions).label("is_listened_to"),
    )
)
_TAKE_STAGED = (
    delete(staged_states)
    .where(staged_states.c.execution_id == _EXECUTION)
    .returning(staged_states.c.attempt, staged_states.c.state)
)
_REMOVE_MESSAGE = delete(messages).where(messages.c.execution_id == _EXECUTION)
_REMOVE_CHUNKS = delete(chunks).where(chunks.c.execution_id == _EXECUTION)
