"""Whether an actor is still there, inside a transaction that counts on it."""

from sqlalchemy import Connection, bindparam, select

from abaco.errors import NotFound
from abaco.store.statement import Statement
from abaco.store.tables import actors

__all__ = ["is_alive", "require_alive"]

# Built once, as the statements of closing are (see `executions`).
_ALIVE = Statement(
    select(actors.c.id)
    .where(actors.c.id == bindparam("actor"), actors.c.deleted_at.is_(None))
    .with_for_update(read=True, key_share=True)
)


def is_alive(connection: Connection, actor_id: str) -> bool:
    """Whether the actor is not deleted, and will not be before this transaction ends."""
    return _ALIVE.first(connection, {"actor": actor_id}) is not None


def require_alive(connection: Connection, actor_id: str) -> None:
    """Raise NotFound for an actor that is gone, and keep it from being deleted before this transaction ends."""
    if not is_alive(connection, actor_id):
        raise NotFound(f"No actor found with id: {actor_id}.")
