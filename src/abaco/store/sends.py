"""Keys of senders: each stands for one execution of an actor, and the database itself refuses a second one."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from abaco.domain.send_key import SendKey
from abaco.ports import EarlierSend, NewMessage
from abaco.store.statement import Statement
from abaco.store.tables import sends

__all__ = ["find_send", "use_keys"]

_VALUES: dict[str, Any] = {column.name: bindparam(column.name) for column in sends.columns}
# On PostgreSQL it waits for a rival's transaction that uses the same key, and is the first if that comes to nothing.
_USE = {
    "sqlite": Statement(sqlite.insert(sends).values(_VALUES).on_conflict_do_nothing()),
    "postgresql": Statement(postgresql.insert(sends).values(_VALUES).on_conflict_do_nothing()),
}
_FIND = Statement(
    select(sends.c.actor_id, sends.c.digest, sends.c.execution_id, sends.c.content).where(
        sends.c.actor_id.in_(bindparam("actors", expanding=True)),
        sends.c.digest.in_(bindparam("digests", expanding=True)),
    )
)


def use_keys(connection: Connection, keyed: Sequence[NewMessage]) -> dict[str, EarlierSend]:
    """Let the keys stand for the messages' executions; of those used before, what for, by the message's execution."""
    rows = {
        message.execution.id: {
            "actor_id": message.actor_id,
            "digest": message.key.digest,
            "execution_id": message.execution.id,
            "content": message.key.content,
            "created_at": message.execution.received_at,
        }
        for message in keyed
        if message.key is not None
    }
    # In an order that all rivals keep, so that they never wait for each other in a circle. It is stable: of equal
    # keys the first message's counts.
    ordered = sorted(rows.values(), key=lambda row: (row["actor_id"], row["digest"]))
    if _USE[connection.dialect.name].run(connection, *ordered) == len(ordered):
        return {}
    asked = {key: list({row[name] for row in ordered}) for key, name in (("actors", "actor_id"), ("digests", "digest"))}
    used = {(row.actor_id, row.digest): row for row in _FIND.all(connection, asked)}
    if len(used) < len({(row["actor_id"], row["digest"]) for row in ordered}):
        return use_keys(connection, keyed)  # one was so old that it was forgotten a moment ago
    found = {id_: used[row["actor_id"], row["digest"]] for id_, row in rows.items()}
    return {id_: EarlierSend(one.execution_id, one.content) for id_, one in found.items() if one.execution_id != id_}


def find_send(connection: Connection, actor_id: str, key: SendKey) -> EarlierSend | None:
    """What the key was used for."""
    row = _FIND.first(connection, {"actors": [actor_id], "digests": [key.digest]})
    return None if row is None else EarlierSend(row.execution_id, row.content)
