"""The state of actors: landed, and staged by executions that still run."""

from typing import Any

from sqlalchemy import Select, select, update

from abaco.domain.lifecycle import ExecutionStatus
from abaco.store.database import Database
from abaco.store.tables import actors, executions, staged_states

__all__ = ["States"]


def _current(execution_id: str, attempt: int) -> Select[tuple[str]]:
    return select(executions.c.id).where(
        executions.c.id == execution_id,
        executions.c.attempts == attempt,
        executions.c.status == ExecutionStatus.RUNNING,
    )


class States:
    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, actor_id: str, state: Any) -> None:
        with self._database.write() as connection:
            connection.execute(update(actors).where(actors.c.id == actor_id).values(state=state))

    def stage(self, execution_id: str, attempt: int, state: Any) -> bool:
        values = {"attempt": attempt, "state": state}
        insertion = self._database.upsert(staged_states).values(execution_id=execution_id, **values)
        with self._database.write() as connection:
            current = _current(execution_id, attempt).with_for_update(read=True)
            if connection.execute(current).one_or_none() is None:
                return False
            connection.execute(insertion.on_conflict_do_update(index_elements=["execution_id"], set_=values))
        return True

    def find_staged(self, execution_id: str, attempt: int) -> tuple[Any] | None:
        query = select(staged_states.c.state).where(
            staged_states.c.execution_id == execution_id,
            staged_states.c.attempt == attempt,
        )
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return (row.state,) if row else None

    def is_current(self, execution_id: str, attempt: int) -> bool:
        with self._database.read() as connection:
            return connection.execute(_current(execution_id, attempt)).one_or_none() is not None
