"""Users."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, select, update

from abaco.domain.user import Role, User
from abaco.store.database import Database
from abaco.store.tables import clients, nonces, tokens, users

__all__ = ["USER_COLUMNS", "Users", "to_user"]

USER_COLUMNS = (users.c.tenant, users.c.name, users.c.roles, users.c.uid, users.c.gid, users.c.profile)


def to_user(row: Sequence[Any]) -> User:
    """The user whose `USER_COLUMNS` the row begins with."""
    tenant, name, roles, uid, gid, profile, *_ = row
    return User(tenant, name, frozenset(Role(role) for role in roles), uid, gid, profile)


def _revoke(connection: Connection, tenant: str, name: str) -> None:
    for table, owner in ((tokens, tokens.c.username), (clients, clients.c.username), (nonces, nonces.c.owner)):
        connection.execute(delete(table).where(table.c.tenant == tenant, owner == name))


class Users:
    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, user: User, password_hash: str) -> None:
        values = {
            "password_hash": password_hash,
            "roles": sorted(user.roles),
            "uid": user.uid,
            "gid": user.gid,
            "profile": dict(user.profile),
        }
        insertion = self._database.upsert(users).values(tenant=user.tenant, name=user.name, **values)
        with self._database.write() as connection:
            connection.execute(insertion.on_conflict_do_update(index_elements=["tenant", "name"], set_=values))

    def find(self, tenant: str, name: str) -> User | None:
        query = select(*USER_COLUMNS).where(users.c.tenant == tenant, users.c.name == name)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return to_user(row) if row else None

    def find_password(self, tenant: str, name: str) -> tuple[User, str] | None:
        query = select(*USER_COLUMNS, users.c.password_hash).where(users.c.tenant == tenant, users.c.name == name)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return (to_user(row), row.password_hash) if row else None

    def all(self, tenant: str) -> list[User]:
        query = select(*USER_COLUMNS).where(users.c.tenant == tenant).order_by(users.c.name)
        with self._database.read() as connection:
            found = [to_user(row) for row in connection.execute(query)]
        return [user for user in found if not user.is_removed]

    def remove(self, tenant: str, name: str) -> None:
        mark = update(users).where(users.c.tenant == tenant, users.c.name == name)
        with self._database.write() as connection:
            connection.execute(mark.values(roles=[], password_hash="", profile={}))
            _revoke(connection, tenant, name)

    def revoke(self, tenant: str, name: str) -> None:
        with self._database.write() as connection:
            _revoke(connection, tenant, name)
