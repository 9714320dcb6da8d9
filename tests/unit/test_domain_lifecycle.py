"""The transition tables as graphs."""

from collections.abc import Mapping
from enum import StrEnum

import pytest

from abaco.domain.lifecycle import (
    ACTOR_MOVES,
    EXECUTION_MOVES,
    TERMINAL,
    WORKER_MOVES,
    ActorStatus,
    ExecutionStatus,
    WorkerStatus,
    sources,
)

Statuses = frozenset[StrEnum]
Moves = Mapping[StrEnum, Statuses]
TABLES = [
    pytest.param(ACTOR_MOVES, ActorStatus.SUBMITTED, frozenset({ActorStatus.SHUTTING_DOWN}), id="actor"),
    pytest.param(EXECUTION_MOVES, ExecutionStatus.SUBMITTED, TERMINAL, id="execution"),
    pytest.param(WORKER_MOVES, WorkerStatus.REQUESTED, frozenset({WorkerStatus.SHUTDOWN_REQUESTED}), id="worker"),
]


def reachable(moves: Moves, start: StrEnum) -> set[StrEnum]:
    seen = {start}
    frontier = {start}
    while frontier:
        frontier = {target for status in frontier for target in moves[status]} - seen
        seen |= frontier
    return seen


@pytest.mark.parametrize(("moves", "first", "terminal"), TABLES)
def test_every_status_is_in_the_table_and_can_be_reached(moves: Moves, first: StrEnum, terminal: Statuses) -> None:
    assert set(moves) == set(type(first))
    assert reachable(moves, first) == set(type(first))


@pytest.mark.parametrize(("moves", "first", "terminal"), TABLES)
def test_terminal_statuses_have_no_exits_and_all_others_lead_to_one(
    moves: Moves, first: StrEnum, terminal: Statuses
) -> None:
    """P2, for executions."""
    assert {status for status, targets in moves.items() if not targets} == terminal
    assert all(reachable(moves, status) & terminal for status in moves)


@pytest.mark.parametrize(("moves", "first", "terminal"), TABLES)
def test_no_status_moves_to_itself(moves: Moves, first: StrEnum, terminal: Statuses) -> None:
    assert not any(status in targets for status, targets in moves.items())


def test_an_execution_completes_only_by_running() -> None:
    assert sources(EXECUTION_MOVES, ExecutionStatus.COMPLETE) == {ExecutionStatus.RUNNING}
    assert sources(EXECUTION_MOVES, ExecutionStatus.RUNNING) == {ExecutionStatus.SUBMITTED}
    assert sources(EXECUTION_MOVES, ExecutionStatus.ERROR) == {ExecutionStatus.SUBMITTED, ExecutionStatus.RUNNING}


def test_an_actor_in_error_recovers_by_an_update_or_a_healthy_worker() -> None:
    """Contract 3.3"""
    assert ActorStatus.ERROR in sources(ACTOR_MOVES, ActorStatus.SUBMITTED)
    assert ActorStatus.ERROR in sources(ACTOR_MOVES, ActorStatus.READY)
    assert ActorStatus.SHUTTING_DOWN not in sources(ACTOR_MOVES, ActorStatus.READY)
