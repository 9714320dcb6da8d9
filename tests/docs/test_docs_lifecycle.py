"""lifecycle.md's statuses, diagrams and moves are those of domain/lifecycle.py."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import pytest
from docs.pages import code_words, page, sections, table

from abaco.domain.lifecycle import (
    ACTOR_MOVES,
    EXECUTION_MOVES,
    WORKER_MOVES,
    ActorStatus,
    ExecutionStatus,
    WorkerStatus,
)

_TEXT = page("lifecycle.md")
_SECTIONS = dict(sections(_TEXT))
_ARROW = re.compile(r"^    (\S+) --> (\S+)$", re.MULTILINE)
_KINDS = [
    ("Actors", ActorStatus, ACTOR_MOVES),
    ("Executions", ExecutionStatus, EXECUTION_MOVES),
    ("Workers", WorkerStatus, WORKER_MOVES),
]
Moves = Mapping[Any, frozenset[Any]]


def _moves(moves: Moves) -> set[tuple[str, str]]:
    return {(str(source), str(target)) for source, targets in moves.items() for target in targets}


def _diagram(title: str) -> set[tuple[str, str]]:
    body = re.split(r"^## ", _TEXT, flags=re.MULTILINE)
    return set(_ARROW.findall(next(part for part in body if part.startswith(title))))


@pytest.mark.parametrize(("title", "statuses", "moves"), _KINDS)
def test_every_status_and_move_has_an_entry_and_no_other(title: str, statuses: type[StrEnum], moves: Moves) -> None:
    rows = table(_SECTIONS[title])
    assert [code_words(row[0])[0] for row in rows if len(row) == 2] == [*statuses]
    documented = [(code_words(row[0])[0], code_words(row[1])[0]) for row in rows if len(row) == 3]
    assert len(documented) == len(set(documented))
    assert set(documented) == _moves(moves)


@pytest.mark.parametrize(("title", "statuses", "moves"), _KINDS)
def test_the_diagram_shows_the_same(title: str, statuses: type[StrEnum], moves: Moves) -> None:
    ends = {(str(status), "[*]") for status in statuses if not moves[status]}
    begin = {("[*]", str(next(iter(statuses))))}
    assert _diagram(title) == _moves(moves) | begin | ends
