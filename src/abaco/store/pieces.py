"""Long work in pieces, each a transaction of its own, so that nobody has to wait for all of it."""

from collections.abc import Callable
from time import sleep
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, delete, select

from abaco.store.database import Database

__all__ = ["first_of", "in_pieces", "is_whole", "remove_in_pieces", "remove_some"]

_AT_ONCE = 5_000
"""Rows of a piece: SQLite is locked for some 50 ms. Far below the number of parameters that a statement may have."""
_PAUSE_SECONDS = 0.01


def in_pieces(database: Database, piece: Callable[[Connection], int]) -> int:
    """Run `piece` until it says that it did less than a whole one; how much it did in all."""
    total = 0
    while True:
        with database.write() as connection:
            count = piece(connection)
        total += count
        if not is_whole(count):
            return total
        # Or the next piece would begin before those who wait have woken up: SQLite's writers do not stand in a line.
        sleep(_PAUSE_SECONDS)


def remove_in_pieces(database: Database, key: Column[Any], which: ColumnElement[bool]) -> int:
    """Delete rows of the table with this key, which is unique among them; how many."""
    return in_pieces(database, lambda connection: remove_some(connection, key, which))


def remove_some(connection: Connection, key: Column[Any], which: ColumnElement[bool]) -> int:
    """A piece of `remove_in_pieces`, inside a transaction."""
    some = first_of(connection, select(key).where(which))
    return connection.execute(delete(key.table).where(which, key.in_(some))).rowcount if some else 0


def is_whole(count: int) -> bool:
    """Whether a piece of so many rows was a whole one, and there may be more of them."""
    return count >= _AT_ONCE


def first_of(connection: Connection, some: Select[Any]) -> list[Any]:
    """A piece of the keys that `some` selects; on PostgreSQL those that nobody else holds, and locked.

    By themselves, since within the deletion PostgreSQL may select them again for every row.
    """
    return list(connection.execute(some.limit(_AT_ONCE).with_for_update(skip_locked=True)).scalars())
