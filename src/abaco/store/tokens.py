"""Tokens that stand for users."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, or_, select

from abaco.domain.user import User
from abaco.ports import StoredToken
from abaco.store.database import Database
from abaco.store.statement import Statement
from abaco.store.tables import tokens, users
from abaco.store.users import USER_COLUMNS, to_user

__all__ = ["Tokens"]

_STORED = (tokens.c.tenant, tokens.c.username, tokens.c.expires_at, tokens.c.kind, tokens.c.client_key)
# Asked for with every request: built once, since building a statement costs more than running it.
_BY_TOKEN = Statement(
    select(*USER_COLUMNS)
    .join_from(tokens, users, (tokens.c.tenant == users.c.tenant) & (tokens.c.username == users.c.name))
    .where(
        tokens.c.digest == bindparam("digest"),
        tokens.c.kind == "access",
        or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > bindparam("now", type_=tokens.c.expires_at.type)),
    )
)


def _rows(given: Mapping[str, StoredToken]) -> list[dict[str, Any]]:
    return [
        {
            "digest": digest,
            "tenant": token.tenant,
            "username": token.username,
            "expires_at": token.expires_at,
            "kind": token.kind,
            "client_key": token.client_key,
        }
        for digest, token in given.items()
    ]


class Tokens:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, tokens_: Mapping[str, StoredToken]) -> None:
        with self._database.write() as connection:
            connection.execute(insert(tokens), _rows(tokens_))

    def find_user(self, digest: str, now: datetime) -> User | None:
        with self._database.read() as connection:
            row = _BY_TOKEN.first(connection, {"digest": digest, "now": now})
        if row is None:
            return None
        user = to_user(row)
        return None if user.is_removed else user

    def find_refresh(self, digest: str, client_key: str, now: datetime) -> StoredToken | None:
        query = select(*_STORED).where(
            tokens.c.digest == digest,
            tokens.c.kind == "refresh",
            tokens.c.client_key == client_key,
            tokens.c.expires_at > now,
        )
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return StoredToken(*row) if row else None

    def rotate(self, digest: str, tokens_: Mapping[str, StoredToken]) -> bool:
        with self._database.write() as connection:
            taken = connection.execute(delete(tokens).where(tokens.c.digest == digest)).rowcount == 1
            if taken:
                connection.execute(insert(tokens), _rows(tokens_))
        return taken

    def revoke(self, digest: str, client_key: str | None) -> None:
        with self._database.write() as connection:
            row = connection.execute(select(*_STORED).where(tokens.c.digest == digest)).one_or_none()
            if row is None or (client_key is not None and row.client_key != client_key):
                return
            siblings = (
                (tokens.c.tenant == row.tenant)
                & (tokens.c.username == row.username)
                & (tokens.c.client_key == row.client_key)
            )
            reach = siblings if row.kind == "refresh" else tokens.c.digest == digest
            connection.execute(delete(tokens).where(reach))

    def revoke_granted(self, tenant: str, username: str) -> None:
        mine = (tokens.c.tenant == tenant) & (tokens.c.username == username)
        with self._database.write() as connection:
            connection.execute(delete(tokens).where(mine, tokens.c.client_key.is_not(None)))

    def prune(self, now: datetime) -> int:
        with self._database.write() as connection:
            return connection.execute(delete(tokens).where(tokens.c.expires_at <= now)).rowcount
