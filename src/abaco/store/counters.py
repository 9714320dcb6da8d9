"""Numbers that only grow, raised in the transaction of what they count."""

from sqlalchemy import Connection

from abaco.store.database import Database
from abaco.store.tables import counters

__all__ = ["count_up"]


def count_up(database: Database, connection: Connection, name: str) -> None:
    """Raise the counter `name` by one."""
    statement = database.upsert(counters).values(name=name, value=1)
    raised = {"value": counters.c.value + 1}
    connection.execute(statement.on_conflict_do_update(index_elements=[counters.c.name], set_=raised))
