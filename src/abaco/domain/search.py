"""The query language of searches: from the pairs of a query string to conditions, and what a condition means."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from abaco.domain.search_pattern import Pattern, pattern_of
from abaco.domain.search_values import list_value, range_value, value_of
from abaco.domain.search_words import Phrase, phrase_of, phrases_of
from abaco.errors import InvalidInput, NotFound

__all__ = [
    "Collection",
    "Condition",
    "Like",
    "OneOf",
    "SearchQuery",
    "Test",
    "Within",
    "asks_to_search",
    "collection_of",
    "parse_query",
]

_DEFAULT_LIMIT = 100
_MAX_CONDITIONS = 50
_MAX_PHRASES = 20
_MAX_KEY = 500
_MAX_SKIP = 2**53
_DIGITS = re.compile(r"\+?[0-9]{1,18}")
_UPPER = re.compile(r"(?<=[a-z0-9])([A-Z])")
_IGNORED = {"x-nonce", "pretty", "follow"}
_OPERATORS = {"eq", "neq", "lt", "lte", "gt", "gte", "in", "nin", "like", "nlike", "between"}


class Collection(StrEnum):
    """What can be searched."""

    ACTORS = "actors"
    EXECUTIONS = "executions"
    WORKERS = "workers"
    LOGS = "logs"


@dataclass(frozen=True, slots=True)
class OneOf:
    """Equal to any of `values`, of the same type; None is also equal to a field that is not there."""

    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Within:
    """Between two ends of one type (number, text, boolean or datetime); an end of None is open."""

    low: Any = None
    high: Any = None
    with_low: bool = True
    with_high: bool = True


@dataclass(frozen=True, slots=True)
class Like:
    """A text in which `pattern` occurs."""

    pattern: Pattern


Test = OneOf | Within | Like


@dataclass(frozen=True, slots=True)
class Condition:
    """The field at `path` (or, if it holds a list, any element of it) passes `test`; `negated`: it does not."""

    path: tuple[str, ...]
    test: Test
    negated: bool = False


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """All conditions hold, all `exact` phrases occur, and, if any `words` are given, at least one of them does."""

    conditions: tuple[Condition, ...] = ()
    words: tuple[Phrase, ...] = ()
    exact: tuple[Phrase, ...] = ()
    skip: int = 0
    limit: int = _DEFAULT_LIMIT


def collection_of(name: str) -> Collection:
    """The collection of that name, in any case; raises NotFound listing all."""
    try:
        return Collection(name.lower())
    except ValueError:
        raise NotFound(f"There is no collection {name[:80]!r} to search; there are {', '.join(Collection)}.") from None


def parse_query(pairs: Iterable[tuple[str, str]], max_limit: int) -> SearchQuery:
    """The query that `pairs` of the query string spell; raises InvalidInput saying what to change.

    A limit above `max_limit` counts as that.
    """
    words: list[Phrase] = []
    exact: list[Phrase] = []
    numbers: dict[str, int] = {}
    conditions: list[Condition] = []
    for key, value in pairs:
        match key:
            case "search":
                words += phrases_of(value)
            case "exactsearch":
                exact.append(phrase_of(value))
            case "limit" | "skip" | "offset":
                name = "skip" if key == "offset" else key
                if name in numbers:
                    raise InvalidInput(f"{key} may be given once only (offset is another name of skip).")
                numbers[name] = _count(key, value)
            case _ if key not in _IGNORED:
                conditions.append(_condition(key, value))
    if len(conditions) > _MAX_CONDITIONS or len(words) + len(exact) > _MAX_PHRASES:
        raise InvalidInput(
            f"A search may have {_MAX_CONDITIONS} conditions and {_MAX_PHRASES} words and phrases at most."
        )
    limit = min(numbers.get("limit", _DEFAULT_LIMIT), max_limit)
    return SearchQuery(tuple(conditions), tuple(words), tuple(exact), numbers.get("skip", 0), limit)


def _count(name: str, text: str) -> int:
    if not _DIGITS.fullmatch(text.strip()) or int(text) > _MAX_SKIP:
        raise InvalidInput(f"{name} must be a whole number from 0 to {_MAX_SKIP}.")
    return int(text)


def _condition(key: str, text: str) -> Condition:
    if len(key) > _MAX_KEY or "\0" in key:
        raise InvalidInput(f"The name of a field may have {_MAX_KEY} characters at most, and no NUL.")
    parts = key.split(".")
    operator = parts.pop() if len(parts) > 1 and parts[-1] in _OPERATORS else "eq"
    if not all(parts):
        raise InvalidInput(f"{key[:80]!r} does not name a field: write FIELD=VALUE or FIELD.OPERATOR=VALUE.")
    path = (_UPPER.sub(r"_\1", parts[0]).lower() if not parts[0].startswith("_") else parts[0], *parts[1:])
    match operator:
        case "eq" | "neq":
            return Condition(path, OneOf((value_of(path, text),)), operator == "neq")
        case "in" | "nin":
            return Condition(path, OneOf(list_value(path, key, text)), operator == "nin")
        case "like" | "nlike":
            return Condition(path, Like(pattern_of(text)), operator == "nlike")
        case "between":
            return Condition(path, Within(*range_value(path, key, text)))
        case _:
            return Condition(path, _ordered(key, operator, value_of(path, text)))


def _ordered(key: str, operator: str, value: Any) -> Within:
    if not isinstance(value, bool | int | float | str | datetime):
        raise InvalidInput(f"{key} orders values: it needs a number, a text, a boolean or a time.")
    if operator in {"lt", "lte"}:
        return Within(high=value, with_high=operator == "lte")
    return Within(low=value, with_low=operator == "gte")


def asks_to_search(pairs: Iterable[tuple[str, str]]) -> bool:
    """Whether a listing with these query parameters is a search, and not just the listing."""
    return any(key not in _IGNORED for key, _ in pairs)
