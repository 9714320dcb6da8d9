"""Permission entries of actors, aliases and configs, by the object's internal id."""

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, exists, or_, select

from abaco.domain.permission import WORLD, Level, effective
from abaco.store.database import Database
from abaco.store.tables import permissions

__all__ = ["Permissions", "effective_level", "forget", "grant", "level_of", "readable_by"]


def grant(database: Database, connection: Connection, object_id: str, username: str, level: Level) -> None:
    """Add or replace one entry inside a transaction."""
    insertion = database.upsert(permissions).values(object_id=object_id, username=username, level=int(level))
    connection.execute(
        insertion.on_conflict_do_update(index_elements=["object_id", "username"], set_={"level": int(level)}),
    )


def forget(connection: Connection, object_ids: list[str]) -> None:
    """Remove all entries of objects that are gone, inside a transaction."""
    connection.execute(delete(permissions).where(permissions.c.object_id.in_(object_ids)))


def level_of(object_id: ColumnElement[str], parameter: str) -> ColumnElement[int | None]:
    """The level in the entry of the user whose name is bound as `parameter`, for a statement over objects."""
    return (
        select(permissions.c.level)
        .where(permissions.c.object_id == object_id, permissions.c.username == bindparam(parameter))
        .correlate(object_id.table)
        .scalar_subquery()
    )


def effective_level(username: str, own: int | None, world: int | None) -> Level:
    """What two columns of `level_of`, the user's and the world's, come to."""
    entries = {name: Level(level) for name, level in ((WORLD, world), (username, own)) if level is not None}
    return effective(entries, username)


def readable_by(object_id: ColumnElement[str], username: str) -> ColumnElement[bool]:
    """Objects `username` may read: the rule of `domain.permission.effective` as a filter. An explicit NONE denies.

    It begins with the entries, so that its cost is that of what may be read, not of all there is.
    """
    entry, own = permissions.alias(), permissions.alias()
    denied = exists().where(own.c.object_id == entry.c.object_id, own.c.username == username, own.c.level < Level.READ)
    granted = select(entry.c.object_id).where(
        entry.c.level >= Level.READ,
        or_(entry.c.username == username, and_(entry.c.username == WORLD, ~denied)),
    )
    return object_id.in_(granted)


class Permissions:
    def __init__(self, database: Database) -> None:
        self._database = database

    def entries(self, object_id: str) -> dict[str, Level]:
        query = select(permissions.c.username, permissions.c.level).where(permissions.c.object_id == object_id)
        with self._database.read() as connection:
            return {username: Level(level) for username, level in connection.execute(query)}

    def grant(self, object_id: str, username: str, level: Level) -> None:
        with self._database.write() as connection:
            grant(self._database, connection, object_id, username, level)
