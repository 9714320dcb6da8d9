"""Functions that SQLite calls while it searches: conditions on JSON, patterns, phrases."""

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec

from abaco.domain.search import Condition, Like, OneOf, Test, Within
from abaco.domain.search_match import passes, textual
from abaco.domain.search_pattern import Pattern, pattern_of
from abaco.domain.search_words import Phrase, occurs

__all__ = ["condition_text", "install_functions", "phrase_text"]

_MAX_INDEXED = 200_000
"""Characters of a text in which words are looked for, as in the indexes."""


def install_functions(connection: Any, _record: object = None) -> None:
    """Make the functions known to a new connection."""
    for name, arguments, function in (
        ("abaco_passes", 2, _passes),
        ("abaco_like", 2, _like),
        ("abaco_occurs", -1, _occurs),
    ):
        connection.create_function(name, arguments, function, deterministic=True)


def condition_text(path: tuple[str, ...], test: Test) -> str:
    """A condition as the function `abaco_passes` takes it."""
    match textual(test):
        case OneOf(values):
            return json.dumps([path, "one of", values])
        case Within(low, high, with_low, with_high):
            return json.dumps([path, "within", [low, high, with_low, with_high]])
        case Like(pattern):
            return json.dumps([path, "like", [pattern.source]])


@lru_cache(maxsize=64)
def _condition(text: str) -> Condition:
    path, kind, given = json.loads(text)
    tests: dict[str, Callable[[], Test]] = {
        "one of": lambda: OneOf(tuple(given)),
        "within": lambda: Within(*given),
        "like": lambda: Like(_pattern(*given)),
    }
    return Condition(tuple(path), tests[kind]())


def _passes(text: str, document: str) -> bool:
    condition = _condition(text)
    return passes(msgspec.json.decode(document), condition.path, condition.test)


@lru_cache(maxsize=64)
def _pattern(source: str) -> Pattern:
    return pattern_of(source)


def _like(source: str, text: str | None) -> bool:
    return text is not None and _pattern(source).matches(text)


def phrase_text(phrase: Phrase) -> str:
    """A phrase as the function `abaco_occurs` takes it."""
    return " ".join(phrase)


def _occurs(phrase: str, *texts: str | None) -> bool:
    return occurs(tuple(phrase.split()), (text[:_MAX_INDEXED] for text in texts if text is not None))
