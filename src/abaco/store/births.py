"""Messages are born with their executions, inside the transaction of whatever brings them about."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select

from abaco.errors import NotFound
from abaco.ports import EarlierSend, NewMessage
from abaco.store.rows import EXECUTION_COLUMNS, execution_values
from abaco.store.sends import use_keys
from abaco.store.statement import Statement
from abaco.store.tables import actors, executions, messages

__all__ = ["insert_messages"]

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
_ADD_EXECUTION = Statement(
    insert(executions).values(
        {column.name: bindparam(column.name) for column in EXECUTION_COLUMNS} | {"halt_requested": False}
    )
)
_MESSAGE = (
    *("execution_id", "actor_id", "content_type", "value", "size", "revision", "environment", "jwt_header"),
    *("max_run_time", "not_before"),
)
_ADD_MESSAGE = Statement(insert(messages).values({name: bindparam(name) for name in _MESSAGE}))


def insert_messages(connection: Connection, new: Sequence[NewMessage]) -> dict[str, EarlierSend]:
    """Add messages with their executions inside a transaction; raises NotFound if an actor was deleted meanwhile.

    Those whose key was used before are left out, and returned by the ids of the executions that they do not get.
    """
    ids = {message.actor_id for message in new}
    if _ALIVE.first(connection, {"actors": list(ids)})[0] != len(ids):
        raise NotFound("The actor was deleted.")
    keyed = [message for message in new if message.key is not None]
    earlier = use_keys(connection, keyed) if keyed else {}
    fresh = [message for message in new if message.execution.id not in earlier]
    if fresh:
        _ADD_EXECUTION.run(connection, *[execution_values(message.execution) for message in fresh])
        _ADD_MESSAGE.run(connection, *_rows(fresh))
    return earlier


def _rows(messages: Sequence[NewMessage]) -> list[dict[str, Any]]:
    return [
        {
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
        for message in messages
    ]
