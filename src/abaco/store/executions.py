"""Executions: reading, halting, and the one transaction that closes an attempt."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, Connection, String, and_, bindparam, delete, exists, func, or_, select, update

from abaco.domain.actor_event import ActorEventType
from abaco.domain.execution import Execution, ExecutionEntry, ExecutionSummary
from abaco.domain.lifecycle import ExecutionStatus
from abaco.errors import Conflict, NotFound
from abaco.ports import Closing
from abaco.store.alive import living
from abaco.store.database import Database
from abaco.store.logs import append_statement, write_results
from abaco.store.outbox import LISTENED_TO, announce
from abaco.store.rows import EXECUTION_COLUMNS, outcome_values, to_execution
from abaco.store.statement import Statement
from abaco.store.tables import Moment, actors, chunks, executions, messages, staged_states
from abaco.store.workers import free

__all__ = ["Executions"]


class Executions:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._append_log = append_statement(database)

    def find(self, actor_id: str, execution_id: str) -> Execution | None:
        with self._database.read() as connection:
            row = _FIND.first(connection, {"execution": execution_id, "actor": actor_id})
        return to_execution(row) if row else None

    def of_actor(self, actor_id: str) -> list[Execution]:
        query = select(*EXECUTION_COLUMNS).where(executions.c.actor_id == actor_id).order_by(executions.c.seq)
        with self._database.read() as connection:
            return [to_execution(row) for row in connection.execute(query)]

    def summary(self, actor_id: str) -> ExecutionSummary:
        with self._database.read() as connection:
            return ExecutionSummary([ExecutionEntry(*row) for row in _SUMMARY.all(connection, {"actor": actor_id})])

    def has_run(self, actor_id: str, execution_id: str) -> bool:
        digest = select(executions.c.image_digest).where(executions.c.id == execution_id).scalar_subquery()
        ran = (executions.c.status == ExecutionStatus.COMPLETE, executions.c.image_digest == digest)
        with self._database.read() as connection:
            query = select(executions.c.id).where(executions.c.actor_id == actor_id, *ran).limit(1)
            return connection.execute(query).one_or_none() is not None

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
            ordered = sorted(closings, key=lambda closing: closing.execution_id)
            tried = [(closing, _land(connection, engine_id, closing, now)) for closing in ordered]
            landed = [(closing, row) for closing, row in tried if row is not None]
            if landed:
                self._settle(connection, landed, now)
        attempts = {(closing.execution_id, closing.attempt) for closing, _ in landed}
        return [(closing.execution_id, closing.attempt) in attempts for closing in closings]

    def _settle(self, connection: Connection, landed: Sequence[tuple[Closing, Any]], now: datetime) -> None:
        """What goes with outcomes that have landed: states, logs, messages gone, workers free, events."""
        ids = {"ended": [closing.execution_id for closing, _ in landed]}
        _land_states(connection, {one.execution_id: (one.attempt, row.actor_id) for one, row in landed})
        # The logs and results of a deleted actor are gone, and stay so.
        alive = living(connection, (row.actor_id for _, row in landed))
        kept = [(closing, row.actor_id) for closing, row in landed if row.actor_id in alive]
        if kept:
            self._append_log.run(connection, *(_log(closing, actor_id, now) for closing, actor_id in kept))
            write_results(connection, [one for closing, actor_id in kept for one in _results(closing, actor_id, now)])
        _REMOVE_MESSAGES.run(connection, ids)
        if any(closing.is_binary for closing, _ in landed):
            _REMOVE_CHUNKS.run(connection, ids)
        free(connection, {row.worker_id for _, row in landed})
        for closing, row in landed:
            if row.is_listened_to:
                out = closing.outcome
                details = {"execution_id": closing.execution_id, "status": out.status, "exit_code": out.exit_code}
                announce(connection, row.actor_id, ActorEventType.EXECUTION_COMPLETE, now, [details])


def _log(closing: Closing, actor_id: str, now: datetime) -> Mapping[str, Any]:
    expires_at = now + timedelta(seconds=closing.log_lifetime_seconds)
    return {
        "execution_id": closing.execution_id,
        "actor_id": actor_id,
        "text": closing.log_text,
        "expires_at": expires_at,
    }


def _results(closing: Closing, actor_id: str, now: datetime) -> Iterator[Mapping[str, Any]]:
    expires_at = now + timedelta(seconds=closing.result_lifetime_seconds)
    for data in closing.results:
        yield {"execution_id": closing.execution_id, "actor_id": actor_id, "data": data, "expires_at": expires_at}


def _land(connection: Connection, engine_id: str, closing: Closing, now: datetime) -> Any:
    """Write the outcome, if the attempt is the one that runs; a row, or None."""
    lease = {"lease_execution": closing.execution_id, "lease_engine": engine_id}
    outcome = {f"new_{name}": value for name, value in outcome_values(closing.outcome, now).items()}
    return _LAND.first(connection, {**_KEPT, **outcome, **lease, "attempt": closing.attempt})


def _land_states(connection: Connection, attempts: Mapping[str, tuple[int, str]]) -> None:
    """The state that an attempt wrote becomes its actor's (P4); what another attempt staged is dropped unread."""
    for row in _TAKE_STAGED.all(connection, {"ended": list(attempts)}):
        attempt, actor_id = attempts[row.execution_id]
        if row.attempt == attempt:
            connection.execute(update(actors).where(actors.c.id == actor_id).values(state=row.state))


_FIND = Statement(
    select(*EXECUTION_COLUMNS).where(
        executions.c.id == bindparam("execution"), executions.c.actor_id == bindparam("actor")
    )
)
_SUMMARY = Statement(
    select(*(executions.c[name] for name in ExecutionEntry._fields))
    .where(executions.c.actor_id == bindparam("actor"))
    .order_by(executions.c.seq)
)
# The statements of closing are built once: it happens for every execution, with the database locked (SQLite), and
# building a statement costs more than running it. A start or digest that is not given stays as it is.
_KEPT = {"new_started_at": None, "new_image_digest": None}
_SET = (
    *("status", "prepared_at", "first_output_at", "finished_at", "recorded_at"),
    *("runtime", "cpu", "io", "exit_code", "final_state"),
)
_EXECUTION: BindParameter[str] = bindparam("lease_execution", type_=String())
_LAND = Statement(
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
_ENDED: BindParameter[Any] = bindparam("ended", expanding=True)
_TAKE_STAGED = Statement(
    delete(staged_states)
    .where(staged_states.c.execution_id.in_(_ENDED))
    .returning(staged_states.c.execution_id, staged_states.c.attempt, staged_states.c.state)
)
_REMOVE_MESSAGES = Statement(delete(messages).where(messages.c.execution_id.in_(_ENDED)))
_REMOVE_CHUNKS = Statement(delete(chunks).where(chunks.c.execution_id.in_(_ENDED)))
