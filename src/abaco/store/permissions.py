"""Permission entries of actors."""

from sqlalchemy import Connection, select

from abaco.domain.permission import Level
from abaco.store.database import Database
from abaco.store.tables import permissions

__all__ = ["Permissions", "grant"]


def grant(database: Database, connection: Connection, actor_id: str, username: str, level: Level) -> None:
    """Add or replace one entry inside a transaction."""
    insertion = database.upsert(permissions).values(actor_id=actor_id, username=username, level=int(level))
    connection.execute(
        insertion.on_conflict_do_update(index_elements=["actor_id", "username"], set_={"level": int(level)}),
    )


class Permissions:
    def __init__(self, database: Database) -> None:
        self._database = database

    def entries(self, actor_id: str) -> dict[str, Level]:
        query = select(permissions.c.username, permissions.c.level).where(permissions.c.actor_id == actor_id)
        with self._database.read() as connection:
            return {username: Level(level) for username, level in connection.execute(query)}

    def grant(self, actor_id: str, username: str, level: Level) -> None:
        with self._database.write() as connection:
            grant(self._database, connection, actor_id, username, level)
