"""Nonces, and counting their uses."""

from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, bindparam, delete, insert, or_, select, update

from abaco.domain.nonce import UNLIMITED, Nonce
from abaco.domain.permission import Level
from abaco.domain.user import Role
from abaco.errors import NotFound
from abaco.store.alive import require_alive
from abaco.store.columns import Moment
from abaco.store.database import Database
from abaco.store.tables import aliases, nonces

__all__ = ["Nonces"]

_STORED = [field.name for field in fields(Nonce) if field.name != "alias"]
_QUERY = select(*(nonces.c[name] for name in _STORED), aliases.c.alias).outerjoin(
    aliases, aliases.c.id == nonces.c.alias_id
)
# Asked for with every request that shows a nonce: built once, since building a statement costs more than running it.
_BY_DIGEST = _QUERY.where(nonces.c.digest == bindparam("digest"))
_USE = (
    update(nonces)
    .where(
        nonces.c.digest == bindparam("used"),
        or_(nonces.c.max_uses == UNLIMITED, nonces.c.current_uses + bindparam("times") <= nonces.c.max_uses),
    )
    .values(current_uses=nonces.c.current_uses + bindparam("times"), last_used_at=bindparam("now", type_=Moment()))
)


def _nonce(row: RowMapping) -> Nonce:
    values: dict[str, Any] = dict(row)
    values["roles"] = frozenset(Role(role) for role in values["roles"])
    values["level"] = Level(values["level"])
    return Nonce(**values)


class Nonces:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, nonce: Nonce) -> None:
        values = {name: getattr(nonce, name) for name in _STORED}
        values |= {"roles": sorted(nonce.roles), "level": int(nonce.level)}
        with self._database.write() as connection:
            if nonce.actor_id is not None:
                require_alive(connection, nonce.actor_id)
            else:
                kept = select(aliases.c.id).where(aliases.c.id == nonce.alias_id).with_for_update(read=True)
                if connection.execute(kept).one_or_none() is None:
                    raise NotFound(f"No alias found with name: {nonce.alias}.")
            connection.execute(insert(nonces).values(values))

    def find(self, digest: str) -> Nonce | None:
        with self._database.read() as connection:
            row = connection.execute(_BY_DIGEST, {"digest": digest}).mappings().one_or_none()
        return None if row is None else _nonce(row)

    def of_holder(self, actor_id: str, alias_id: str | None) -> list[Nonce]:
        held = nonces.c.actor_id == actor_id if alias_id is None else nonces.c.alias_id == alias_id
        with self._database.read() as connection:
            return [_nonce(row) for row in connection.execute(_QUERY.where(held).order_by(nonces.c.seq)).mappings()]

    def use(self, digest: str, now: datetime, times: int = 1) -> bool:
        with self._database.write() as connection:
            return connection.execute(_USE, {"used": digest, "now": now, "times": times}).rowcount == 1

    def sealed(self) -> list[tuple[str, str]]:
        with self._database.read() as connection:
            return [(row.digest, row.sealed) for row in connection.execute(select(nonces.c.digest, nonces.c.sealed))]

    def reseal(self, key: str, former: str, sealed: str) -> bool:
        statement = update(nonces).where(nonces.c.digest == key, nonces.c.sealed == former).values(sealed=sealed)
        with self._database.write() as connection:
            return connection.execute(statement).rowcount == 1

    def remove(self, digest: str) -> None:
        with self._database.write() as connection:
            connection.execute(delete(nonces).where(nonces.c.digest == digest))
