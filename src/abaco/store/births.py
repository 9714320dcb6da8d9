"""Messages are born with their executions, inside the transaction of whatever brings them about."""

from collections.abc import Sequence
from itertools import compress
from typing import Any

from sqlalchemy import Connection, Dialect, bindparam, false, func, insert, literal_column, select

from abaco.errors import NotFound
from abaco.ports import EarlierSend, NewMessage
from abaco.store.sends import Keys
from abaco.store.statement import Statement
from abaco.store.tables import actors, executions, messages

__all__ = ["Births", "insert_messages"]

# FOR KEY SHARE on PostgreSQL: a deletion waits for us, or we see that it happened; other changes of the actor neither
# wait nor are waited for.
_ALIVE = Statement(
    select(func.count()).select_from(
        select(actors.c.id)
        .where(actors.c.id.in_(bindparam("actors", expanding=True)), actors.c.deleted_at.is_(None))
        .with_for_update(read=True, key_share=True)
        .subquery()
    )
)
_BORN = (
    *("id", "actor_id", "tenant", "api_server", "executor", "executor_uid", "executor_gid", "status", "received_at"),
    "not_before",
)
"""What an execution has from the beginning. All else is NULL, or stands in the statement: values that are bound cost
more than the rest of the work.
"""
_ADD_EXECUTION = Statement(
    insert(executions).values(
        {name: bindparam(name) for name in _BORN}
        | dict.fromkeys(("attempts", "runtime", "cpu", "io"), literal_column("0"))
        | {"final_state": literal_column("'null'"), "halt_requested": false()}
    )
)
_MESSAGE = (
    *("execution_id", "actor_id", "content_type", "value", "size", "revision", "environment", "jwt_header"),
    *("max_run_time", "not_before"),
)
_ADD_MESSAGE = Statement(insert(messages).values({name: bindparam(name) for name in _MESSAGE}))


class Births:
    """Messages with their executions, made ready for the driver before the database is locked."""

    def __init__(self, dialect: Dialect, new: Sequence[NewMessage]) -> None:
        self._ids = [message.execution.id for message in new]
        self._actors = list({message.actor_id for message in new})
        self._executions = _ADD_EXECUTION.prepare(dialect, [_execution_row(message) for message in new])
        self._messages = _ADD_MESSAGE.prepare(dialect, [_message_row(message) for message in new])
        keyed = [message for message in new if message.key is not None]
        self._keys = Keys(dialect, keyed) if keyed else None

    def insert(self, connection: Connection) -> dict[str, EarlierSend]:
        """Add them inside a transaction; raises NotFound if an actor was deleted meanwhile.

        Those whose key was used before are left out, and returned by the ids of the executions that they do not get.
        """
        if _ALIVE.first(connection, {"actors": self._actors})[0] != len(self._actors):
            raise NotFound("The actor was deleted.")
        earlier = self._keys.use(connection) if self._keys else {}
        fresh = [id_ not in earlier for id_ in self._ids]
        if any(fresh):
            _ADD_EXECUTION.run_prepared(connection, [*compress(self._executions, fresh)])
            _ADD_MESSAGE.run_prepared(connection, [*compress(self._messages, fresh)])
        return earlier


def insert_messages(connection: Connection, new: Sequence[NewMessage]) -> None:
    """Add messages without keys inside the transaction of what brings them about; raises as `Births` does."""
    Births(connection.dialect, new).insert(connection)


def _execution_row(message: NewMessage) -> dict[str, Any]:
    return {name: getattr(message.execution, name) for name in _BORN}


def _message_row(message: NewMessage) -> dict[str, Any]:
    return {
        "execution_id": message.execution.id,
        "actor_id": message.actor_id,
        "content_type": message.payload.content_type.value,
        "value": message.payload.value,
        "size": message.payload.size,
        "revision": message.revision,
        "environment": dict(message.environment),
        "jwt_header": message.jwt_header,
        "max_run_time": message.max_run_time,
        "not_before": message.execution.not_before,
    }
