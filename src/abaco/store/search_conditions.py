"""From conditions to SQL: values are always bound, fields are looked up, nothing a user writes becomes a statement."""

from collections.abc import Callable, Sequence
from datetime import datetime
from math import ceil, floor
from typing import Any

import msgspec
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    Numeric,
    Text,
    and_,
    bindparam,
    case,
    cast,
    collate,
    exists,
    false,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
    true,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import JSONB

from abaco.domain.search import Collection, Condition, Like, OneOf, Test, Within
from abaco.domain.search_match import textual
from abaco.store.search_fields import FIELDS, Field, Kind
from abaco.store.search_sqlite import condition_text

__all__ = ["clause"]

_LEAST, _MOST = -(2**63), 2**63 - 1


def clause(collection: Collection, condition: Condition, *, is_postgresql: bool) -> ColumnElement[bool]:
    """The condition as a filter over the collection's table."""
    name, *rest = condition.path
    field = FIELDS[collection].get(name)
    if field is None or (rest and field.kind is not Kind.JSON):
        holds: ColumnElement[bool] = _absent(condition.test)
    elif field.kind is Kind.JSON:
        compiled = _json_postgresql if is_postgresql else _json_sqlite
        holds = compiled(type_coerce(field.column, Text()), tuple(rest), condition.test)
    else:
        holds = _scalar(field, condition.test, is_postgresql=is_postgresql)
    # What is unknown to SQL, of a column without a value, does not hold.
    return not_(func.coalesce(holds, false())) if condition.negated else holds


def _absent(test: Test) -> ColumnElement[bool]:
    """Of a field that no object has."""
    return true() if isinstance(test, OneOf) and None in test.values else false()


def _scalar(field: Field, test: Test, *, is_postgresql: bool) -> ColumnElement[bool]:
    match test:
        case OneOf(values):
            column, wanted = _COMPARABLE[field.kind](field.column)
            fitting = [fit for value in values if (fit := wanted(value)) is not None]
            holds = column.in_(fitting) if fitting else false()
            return or_(holds, field.column.is_(None)) if None in values else holds
        case Within() if field.kind in {Kind.NUMBER, Kind.TIME}:
            column, _ = _COMPARABLE[field.kind](field.column)
            return _within_integers(column, test)
        case Within():
            return _within(field, test, is_postgresql=is_postgresql)
        case Like():
            return _like(field.column, test, is_postgresql=is_postgresql) if field.kind is Kind.TEXT else false()


Comparable = tuple[ColumnElement[Any], Callable[[Any], Any]]
"""A column to compare, and what turns a value into what is in it; None if nothing in it can be equal."""


def _texts(column: ColumnElement[Any]) -> Comparable:
    return type_coerce(column, Text()), lambda value: value if isinstance(value, str) else None


def _booleans(column: ColumnElement[Any]) -> Comparable:
    return column, lambda value: value if isinstance(value, bool) else None


def _numbers(column: ColumnElement[Any]) -> Comparable:
    return type_coerce(column, BigInteger()), _whole


def _times(column: ColumnElement[Any]) -> Comparable:
    return type_coerce(column, BigInteger()), lambda value: _whole(_milliseconds(value))


_COMPARABLE = {Kind.TEXT: _texts, Kind.BOOLEAN: _booleans, Kind.NUMBER: _numbers, Kind.TIME: _times}


def _milliseconds(value: Any) -> float | None:
    """A time as it is stored, with a fraction if it is finer; None for anything but a time."""
    if not isinstance(value, datetime):
        return None
    whole = round(value.replace(microsecond=0).timestamp()) * 1000
    thousandths, rest = divmod(value.microsecond, 1000)
    return whole + thousandths + (rest / 1000 if rest else 0)


def _whole(value: Any) -> int | None:
    if not isinstance(value, int | float) or isinstance(value, bool) or value != floor(value):
        return None
    return int(value) if _LEAST <= value <= _MOST else None


def _within_integers(column: ColumnElement[Any], test: Within) -> ColumnElement[bool]:
    """Ends with a fraction move to the next integer inside; ends that no integer reaches leave nothing or all."""
    bounds = []
    for end in (test.low, test.high):
        number = _milliseconds(end) if isinstance(end, datetime) else end
        if number is not None and (isinstance(number, bool) or not isinstance(number, int | float)):
            return false()
        bounds.append(number)
    low, high = bounds
    least = _LEAST if low is None else ceil(low) + (low == floor(low) and not test.with_low)
    most = _MOST if high is None else floor(high) - (high == floor(high) and not test.with_high)
    if least > _MOST or most < _LEAST:
        return false()
    return and_(column >= literal(max(least, _LEAST), BigInteger()), column <= literal(min(most, _MOST), BigInteger()))


def _within(field: Field, test: Within, *, is_postgresql: bool) -> ColumnElement[bool]:
    column, wanted = _COMPARABLE[field.kind](field.column)
    if any(end is not None and wanted(end) is None for end in (test.low, test.high)):
        return false()
    if field.kind is Kind.TEXT and is_postgresql:
        column = collate(column, "C")  # as SQLite orders texts
    return _between(column, test)


def _between(column: ColumnElement[Any], test: Within, bound: Callable[[Any], Any] = literal) -> ColumnElement[bool]:
    parts = []
    if test.low is not None:
        parts.append(column >= bound(test.low) if test.with_low else column > bound(test.low))
    if test.high is not None:
        parts.append(column <= bound(test.high) if test.with_high else column < bound(test.high))
    return and_(*parts)


def _like(text: ColumnElement[Any], test: Like, *, is_postgresql: bool) -> ColumnElement[bool]:
    pattern = test.pattern
    if pattern.literal is not None:
        find = func.strpos if is_postgresql else func.instr
        return find(text, literal(pattern.literal, Text())) > 0
    if is_postgresql:
        return text.bool_op("~")(literal(pattern.posix, Text()))
    return func.abaco_like(literal(pattern.source, Text()), text, type_=Boolean()) == true()


def _json_sqlite(document: ColumnElement[Any], path: tuple[str, ...], test: Test) -> ColumnElement[bool]:
    return func.abaco_passes(literal(condition_text(path, test), Text()), document, type_=Boolean()) == true()


def _json_postgresql(document: ColumnElement[Any], path: Sequence[str], test: Test) -> ColumnElement[bool]:
    """Some value at the path, or element of a list there, passes."""
    values = func.abaco_values(document, bindparam(None, list(path), type_=ARRAY(Text())), type_=JSONB())
    value = values.column_valued()
    found = exists(select(value).where(_value(value, textual(test))))
    if isinstance(test, OneOf) and None in test.values:
        return or_(found, ~exists(select(values.column_valued())))
    return found


def _value(value: ColumnElement[Any], test: Test) -> ColumnElement[bool]:
    match test:
        case OneOf(values):
            texts = [msgspec.json.encode(one).decode() for one in values]
            return value.in_([cast(literal(text, Text()), JSONB()) for text in texts]) if texts else false()
        case Within():
            example = test.high if test.low is None else test.low
            if isinstance(example, bool):
                return _between(_typed(value, "boolean", Boolean()), test)
            if isinstance(example, str):
                return _between(collate(_typed(value, "string", Text()), "C"), test)
            number = _typed(value, "number", Numeric())
            return _between(number, test, lambda end: cast(literal(repr(end), Text()), Numeric()))
        case Like():
            return _like(_typed(value, "string", Text()), test, is_postgresql=True)


def _typed(value: ColumnElement[Any], kind: str, sql_type: Any) -> ColumnElement[Any]:
    """The value if it is of that kind of JSON, else NULL."""
    text = value.op("#>>", return_type=Text())(literal_column("'{}'"))
    is_kind = func.jsonb_typeof(value) == kind
    return case((is_kind, text if isinstance(sql_type, Text) else cast(text, sql_type)))
