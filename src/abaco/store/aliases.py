"""Aliases: a name of an actor in its tenant."""

from dataclasses import fields, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from abaco.domain.alias import Alias
from abaco.domain.permission import WORLD, Level
from abaco.errors import Conflict, NotFound
from abaco.ports import AliasPosition
from abaco.store.alive import require_alive
from abaco.store.database import Database
from abaco.store.permissions import effective_level, forget, grant, level_of, readable_by
from abaco.store.tables import aliases, config_identifiers, nonces

__all__ = ["Aliases", "remove_aliases", "remove_from_configs"]

_FIELDS = [field.name for field in fields(Alias)]
_COLUMNS = [aliases.c[name] for name in _FIELDS]


def remove_aliases(connection: Connection, which: ColumnElement[bool]) -> None:
    """Forget aliases with their permissions and nonces, inside a transaction."""
    gone = delete(aliases).where(which).returning(aliases.c.id, aliases.c.tenant, aliases.c.alias)
    rows = connection.execute(gone).all()
    ids = [row.id for row in rows]
    forget(connection, ids)
    for row in rows:
        # Or the values would go to whatever actor gets this name one day.
        remove_from_configs(connection, row.tenant, row.alias)
    connection.execute(delete(nonces).where(nonces.c.alias_id.in_(ids)))


def remove_from_configs(connection: Connection, tenant: str, identifier: str) -> None:
    """No config names this actor or alias any more."""
    named = (config_identifiers.c.tenant == tenant, config_identifiers.c.identifier == identifier)
    connection.execute(delete(config_identifiers).where(*named))


class Aliases:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, alias: Alias) -> None:
        values: dict[str, Any] = {name: getattr(alias, name) for name in _FIELDS}
        try:
            with self._database.write() as connection:
                require_alive(connection, alias.actor_id)
                connection.execute(insert(aliases).values(values))
                # A config that was made while a former alias of this name was deleted.
                remove_from_configs(connection, alias.tenant, alias.alias)
                grant(self._database, connection, alias.id, alias.owner, Level.UPDATE)
        except IntegrityError:
            raise Conflict(f"An alias {alias.alias!r} already exists.") from None

    def find(self, tenant: str, name: str, username: str) -> AliasPosition | None:
        levels = (level_of(aliases.c.id, "username"), level_of(aliases.c.id, "world"))
        query = select(*_COLUMNS, *levels).where(aliases.c.tenant == tenant, aliases.c.alias == name)
        with self._database.read() as connection:
            row = connection.execute(query, {"username": username, "world": WORLD}).one_or_none()
        return None if row is None else AliasPosition(Alias(*row[:-2]), effective_level(username, row[-2], row[-1]))

    def list_visible(self, tenant: str, username: str) -> list[Alias]:
        visible = (aliases.c.tenant == tenant, readable_by(aliases.c.id, username))
        query = select(*_COLUMNS).where(*visible).order_by(aliases.c.seq)
        with self._database.read() as connection:
            return [Alias(*row) for row in connection.execute(query)]

    def retarget(self, alias: Alias, actor_id: str, editor: str) -> Alias:
        with self._database.write() as connection:
            require_alive(connection, actor_id)
            changed = update(aliases).where(aliases.c.id == alias.id).values(actor_id=actor_id)
            if connection.execute(changed).rowcount == 0:
                raise NotFound(f"No alias found with name: {alias.alias}.")
            if editor != alias.owner:
                grant(self._database, connection, alias.id, editor, Level.UPDATE)
        return replace(alias, actor_id=actor_id)

    def remove(self, alias_id: str) -> None:
        with self._database.write() as connection:
            remove_aliases(connection, aliases.c.id == alias_id)
