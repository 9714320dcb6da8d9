"""Configs, and which of them an actor's executions are given."""

from collections.abc import Collection, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, String, bindparam, delete, insert, select, union, update
from sqlalchemy.exc import IntegrityError

from abaco.domain.config import Config
from abaco.domain.permission import WORLD, Level
from abaco.errors import Conflict, NotFound
from abaco.ports import ConfigPosition, ConfigValue
from abaco.store.database import Database
from abaco.store.permissions import effective_level, forget, grant, level_of, readable_by
from abaco.store.statement import Statement
from abaco.store.tables import actors, aliases, config_identifiers, configs

__all__ = ["Configs"]

_FIELDS = [field.name for field in fields(Config) if field.name != "actors"]
_COLUMNS = [configs.c[name] for name in _FIELDS]
_ACTORS = bindparam("actors", type_=String(), expanding=True)
# Asked for with every claim: built once, since building a statement costs more than running it.
_BY_ID = (
    select(actors.c.id.label("actor_id"), config_identifiers.c.config_id)
    .join(
        config_identifiers,
        (config_identifiers.c.tenant == actors.c.tenant) & (config_identifiers.c.identifier == actors.c.id),
    )
    .where(actors.c.id.in_(_ACTORS))
)
_BY_ALIAS = (
    select(aliases.c.actor_id, config_identifiers.c.config_id)
    .join(
        config_identifiers,
        (config_identifiers.c.tenant == aliases.c.tenant) & (config_identifiers.c.identifier == aliases.c.alias),
    )
    .where(aliases.c.actor_id.in_(_ACTORS))
)
_NAMED = union(_BY_ID, _BY_ALIAS).subquery()
_OF_ACTORS = Statement(
    select(_NAMED.c.actor_id, configs.c.name, configs.c.value, configs.c.is_secret)
    .join(configs, configs.c.id == _NAMED.c.config_id)
    .order_by(configs.c.seq)
)


class Configs:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, config: Config) -> None:
        try:
            with self._database.write() as connection:
                connection.execute(insert(configs).values({name: getattr(config, name) for name in _FIELDS}))
                _name_actors(connection, config)
                grant(self._database, connection, config.id, config.owner, Level.UPDATE)
        except IntegrityError:
            raise Conflict(f"A config {config.name!r} already exists.") from None

    def find(self, tenant: str, name: str, username: str) -> ConfigPosition | None:
        levels = (level_of(configs.c.id, "username"), level_of(configs.c.id, "world"))
        query = select(*_COLUMNS, *levels).where(configs.c.tenant == tenant, configs.c.name == name)
        with self._database.read() as connection:
            row = connection.execute(query, {"username": username, "world": WORLD}).one_or_none()
            if row is None:
                return None
            (config,) = _with_actors(connection, [row])
        return ConfigPosition(config, effective_level(username, row[-2], row[-1]))

    def list_visible(self, tenant: str, username: str) -> list[Config]:
        query = select(*_COLUMNS).where(configs.c.tenant == tenant, readable_by(configs.c.id, username))
        with self._database.read() as connection:
            return _with_actors(connection, connection.execute(query.order_by(configs.c.seq)).all())

    def replace(self, config: Config) -> None:
        values = {"value": config.value, "is_secret": config.is_secret}
        with self._database.write() as connection:
            if connection.execute(update(configs).where(configs.c.id == config.id).values(values)).rowcount == 0:
                raise NotFound(f"No config found with name: {config.name}.")
            connection.execute(delete(config_identifiers).where(config_identifiers.c.config_id == config.id))
            _name_actors(connection, config)

    def remove(self, config_id: str) -> None:
        with self._database.write() as connection:
            connection.execute(delete(config_identifiers).where(config_identifiers.c.config_id == config_id))
            connection.execute(delete(configs).where(configs.c.id == config_id))
            forget(connection, [config_id])

    def sealed(self) -> list[tuple[str, str]]:
        with self._database.read() as connection:
            rows = connection.execute(select(configs.c.id, configs.c.value).where(configs.c.is_secret))
            return [(row.id, row.value) for row in rows]

    def reseal(self, key: str, former: str, sealed: str) -> bool:
        kept = (configs.c.id == key, configs.c.is_secret, configs.c.value == former)
        with self._database.write() as connection:
            return connection.execute(update(configs).where(*kept).values(value=sealed)).rowcount == 1

    def of_actors(self, actor_ids: Collection[str]) -> dict[str, list[ConfigValue]]:
        found: dict[str, list[ConfigValue]] = {}
        with self._database.read() as connection:
            for row in _OF_ACTORS.all(connection, {"actors": list(actor_ids)}):
                found.setdefault(row.actor_id, []).append(ConfigValue(row.name, row.value, row.is_secret))
        return found


def _name_actors(connection: Connection, config: Config) -> None:
    rows = [
        {"config_id": config.id, "position": position, "tenant": config.tenant, "identifier": identifier}
        for position, identifier in enumerate(config.actors)
    ]
    if rows:
        connection.execute(insert(config_identifiers), rows)


def _with_actors(connection: Connection, rows: Sequence[Any]) -> list[Config]:
    """The configs in rows that selected the columns first; one query for the actors of all."""
    named: dict[str, list[str]] = {row.id: [] for row in rows}
    query = (
        select(config_identifiers.c.config_id, config_identifiers.c.identifier)
        .where(config_identifiers.c.config_id.in_(list(named)))
        .order_by(config_identifiers.c.config_id, config_identifiers.c.position)
    )
    for config_id, identifier in connection.execute(query):
        named[config_id].append(identifier)
    return [Config(**{name: getattr(row, name) for name in _FIELDS}, actors=tuple(named[row.id])) for row in rows]
