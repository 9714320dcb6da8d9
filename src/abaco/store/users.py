"""Users, and the tokens that stand for them."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, insert, or_, select

from abaco.domain.user import Role, User
from abaco.ports import StoredToken
from abaco.store.database import Database
from abaco.store.tables import tokens, users

__all__ = ["Tokens", "Users"]

_USER = (users.c.tenant, users.c.name, users.c.roles, users.c.uid, users.c.gid, users.c.profile)
# Asked for with every request: built once, since building a statement costs more than running it.
_BY_TOKEN = (
    select(*_USER)
    .join_from(tokens, users, (tokens.c.tenant == users.c.tenant) & (tokens.c.username == users.c.name))
    .where(
        tokens.c.digest == bindparam("digest"),
        or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > bindparam("now", type_=tokens.c.expires_at.type)),
    )
)


def _user(row: Row[str, str, Any, int | None, int | None, Any] | None) -> User | None:
    if row is None:
        return None
    tenant, name, roles, uid, gid, profile = row
    return User(tenant, name, frozenset(Role(role) for role in roles), uid, gid, profile)


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
        query = select(*_USER).where(users.c.tenant == tenant, users.c.name == name)
        with self._database.read() as connection:
            return _user(connection.execute(query).one_or_none())


class Tokens:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, digest: str, token: StoredToken) -> None:
        row = {
            "digest": digest,
            "tenant": token.tenant,
            "username": token.username,
            "expires_at": token.expires_at,
        }
        with self._database.write() as connection:
            connection.execute(insert(tokens).values(row))

    def find_user(self, digest: str, now: datetime) -> User | None:
        with self._database.read() as connection:
            return _user(connection.execute(_BY_TOKEN, {"digest": digest, "now": now}).one_or_none())
