"""Whether an actor is still there, inside a transaction that counts on it."""

from collections.abc import Iterable

from sqlalchemy import Connection, bindparam, select

from abaco.errors import NotFound
from abaco.store.statement import Statement
from abaco.store.tables import actors

__all__ = ["living", "require_alive"]

# Built once, as the statements of closing are (see `executions`).
_ALIVE = Statement(
    select(actors.c.id)
    .where(actors.c.id == bindparam("actor"), actors.c.deleted_at.is_(None))
    .with_for_update(read=True, key_share=True)
)


def living(connection: Connection, actor_ids: Iterable[str]) -> set[str]:
    """Those of the actors that are not deleted, and will not be before this transaction ends."""
    return {actor_id for actor_id in set(actor_ids) if _ALIVE.first(connection, {"actor": actor_id}) is not None}


def require_alive(connection: Connection, actor_id: str) -> None:
    """Raise NotFound for an actor that is gone, and keep it from being deleted before this transaction ends."""
    if not living(connection, [actor_id]):
        raise NotFound(f"No actor found with id: {actor_id}.")
