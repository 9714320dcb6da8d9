"""What a condition means for a field that holds JSON. SQLite calls this; PostgreSQL's statements say the same."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from abaco.domain.moment import iso
from abaco.domain.search import Like, OneOf, Test, Within

__all__ = ["passes", "textual"]

_INDEX = re.compile(r"-?[0-9]{1,9}")


def textual(test: Test) -> Test:
    """`test` as it applies to JSON, where times are texts of the form that the service writes."""
    if isinstance(test, OneOf):
        return OneOf(tuple(_text(value) for value in test.values))
    if isinstance(test, Within):
        return Within(_text(test.low), _text(test.high), test.with_low, test.with_high)
    return test


def _text(value: Any) -> Any:
    return iso(value) if isinstance(value, datetime) else value


def passes(document: Any, path: Sequence[str], test: Test) -> bool:
    """Whether the value at `path`, or any element of a list there, passes a `textual` test.

    A number in the path also picks an element of a list, negative ones from its end.
    """
    found = list(_at(document, path))
    if not found:
        return isinstance(test, OneOf) and None in test.values
    (value,) = found
    candidates = [value, *value] if isinstance(value, list) else [value]
    return any(_passes(candidate, test) for candidate in candidates)


def _at(value: Any, path: Sequence[str]) -> Iterator[Any]:
    """The one value at `path`, or none."""
    for part in path:
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and _INDEX.fullmatch(part) and -len(value) <= int(part) < len(value):
            value = value[int(part)]
        else:
            return
    yield value


def _passes(value: Any, test: Test) -> bool:
    match test:
        case OneOf(values):
            return any(_same(value, one) for one in values)
        case Within():
            return _lies_within(value, test)
        case Like(pattern):
            return isinstance(value, str) and pattern.matches(value)


def _same(one: Any, other: Any) -> bool:
    """Equality of JSON values: 5 equals 5.0, and true is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return _kind(one) == _kind(other) and bool(one == other)


def _lies_within(value: Any, test: Within) -> bool:
    kind = _kind(value)
    if kind is None or any(end is not None and _kind(end) is not kind for end in (test.low, test.high)):
        return False
    above = test.low is None or value > test.low or (test.with_low and value == test.low)
    below = test.high is None or value < test.high or (test.with_high and value == test.high)
    return bool(above and below)


def _kind(value: Any) -> type | None:
    """Values of one kind can be compared."""
    for kind in (bool, str):
        if isinstance(value, kind):
            return kind
    return float if isinstance(value, int | float) else None
