"""What tables are made of: the types of columns, and the collection of all tables."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import BigInteger, ColumnElement, Dialect, Integer, MetaData, String, Text, TypeDecorator
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

__all__ = ["ID", "MOST_BYTES_AT_ONCE", "SERIAL", "Json", "Moment", "Unindexed", "metadata"]

metadata = MetaData()

MOST_BYTES_AT_ONCE = 32 * 1024**2
"""Of users' own texts that one answer holds: whoever may read them has not chosen how long they are."""
ID = String(32)
SERIAL = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself only for a column whose type is spelled INTEGER."""


class Moment(TypeDecorator[datetime]):
    """An aware UTC datetime, kept as milliseconds since 1970 so that both databases order and compare it alike."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else round(value.timestamp() * 1000)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else datetime.fromtimestamp(value / 1000, UTC)


class Json(TypeDecorator[Any]):
    """Any JSON value as text; JSON null is the text ``null``, so that a state of null differs from no state."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:  # noqa: ARG002
        return msgspec.json.encode(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002
        return None if value is None else msgspec.json.decode(value)


class Unindexed(FunctionElement[Any]):
    """A column that SQLite is not to look up by an index. PostgreSQL, which keeps statistics, knows better itself.

    SQLite takes every index of a condition for a selective one, and would rather read all actors of a tenant than the
    few that their user may read.
    """

    name = "unindexed"
    inherit_cache = True

    def __init__(self, column: ColumnElement[Any]) -> None:
        super().__init__(column)
        self.type = column.type


@compiles(Unindexed, "sqlite")
def _in_sqlite(element: Unindexed, compiler: Any, **options: Any) -> str:
    return f"+{compiler.process(element.clauses, **options)}"


@compiles(Unindexed)
def _elsewhere(element: Unindexed, compiler: Any, **options: Any) -> str:
    text: str = compiler.process(element.clauses, **options)
    return text
