"""Keys of senders: each stands for one execution of an actor, and the database itself refuses a second one."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from abaco.domain.send_key import SendKey
from abaco.ports import EarlierSend, NewMessage
from abaco.store.statement import Statement
from abaco.store.tables import sends

__all__ = ["Keys", "find_send"]

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


class Keys:
    """Keys of messages that are about to be added."""

    def __init__(self, dialect: Dialect, keyed: Sequence[NewMessage]) -> None:
        # In an order that all rivals keep, so that they never wait for each other in a circle. It is stable: of equal
        # keys the first message's counts.
        self._rows = sorted(map(_row, keyed), key=lambda row: (row["actor_id"], row["digest"]))
        self._prepared = _USE[dialect.name].prepare(dialect, self._rows)

    def use(self, connection: Connection) -> dict[str, EarlierSend]:
        """Let them stand for the messages' executions; of those used before, what for, by the message's execution."""
        if _USE[connection.dialect.name].run_prepared(connection, self._prepared) == len(self._rows):
            return {}
        actors, digests = ({row[name] for row in self._rows} for name in ("actor_id", "digest"))
        found = _FIND.all(connection, {"actors": list(actors), "digests": list(digests)})
        used = {(row.actor_id, row.digest): EarlierSend(row.execution_id, row.content) for row in found}
        if not used.keys() >= {(row["actor_id"], row["digest"]) for row in self._rows}:
            return self.use(connection)  # one was so old that it was forgotten a moment ago
        mine = {row["execution_id"]: used[row["actor_id"], row["digest"]] for row in self._rows}
        return {id_: send for id_, send in mine.items() if send.execution_id != id_}


def _row(message: NewMessage) -> dict[str, Any]:
    assert message.key is not None  # noqa: S101 - who has none is not asked
    return {
        "actor_id": message.actor_id,
        "digest": message.key.digest,
        "execution_id": message.execution.id,
        "content": message.key.content,
        "created_at": message.execution.received_at,
    }


def find_send(connection: Connection, actor_id: str, key: SendKey) -> EarlierSend | None:
    """What the key was used for."""
    row = _FIND.first(connection, {"actors": [actor_id], "digests": [key.digest]})
    return None if row is None else EarlierSend(row.execution_id, row.content)
