"""Where the time of an execution went."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from store.scene import NOW, later, new_message

from abaco.domain.execution import Execution
from abaco.domain.lifecycle import ExecutionStatus
from abaco.domain.timeline import Timeline


def at(milliseconds: int) -> datetime:
    return later(milliseconds=milliseconds)


def an_execution(status: str, **fields: Any) -> Execution:
    return replace(new_message("e1").execution, status=ExecutionStatus(status), **fields)


COMPLETE = an_execution(
    "COMPLETE",
    claimed_at=at(10),
    prepared_at=at(30),
    started_at=at(60),
    first_output_at=at(70),
    finished_at=at(160),
    recorded_at=at(165),
    final_state={"StartedAt": "then"},
)


def known(execution: Execution, now: datetime | None = None) -> dict[str, int]:
    """The durations that are not None."""
    durations = Timeline.of(execution).durations(now)
    return {name: value for name, value in durations.items() if value is not None}


def test_each_phase_lies_between_two_moments() -> None:
    assert Timeline.of(COMPLETE) == Timeline(NOW, at(10), at(30), at(60), at(70), at(160), at(165))
    assert known(COMPLETE, at(1000)) == {
        "waiting": 10,
        "preparing": 20,
        "starting": 30,
        "running": 100,
        "until_output": 10,
        "recording": 5,
        "total": 165,
    }


def test_who_prepares_and_starts_in_one_prepares_until_the_start() -> None:
    durations = known(replace(COMPLETE, prepared_at=None, first_output_at=None))
    assert (durations["preparing"], "starting" in durations, "until_output" in durations) == (50, False, False)


def test_what_goes_on_is_counted_up_to_now() -> None:
    waits = an_execution("SUBMITTED")
    assert known(waits) == {}
    assert known(waits, at(500)) == {"waiting": 500, "total": 500}
    runs = an_execution("RUNNING", claimed_at=at(10), started_at=at(10))
    assert Timeline.of(runs).started is None
    assert known(runs) == {"waiting": 10}
    assert known(runs, at(500)) == {"waiting": 10, "running": 490, "total": 500}


def test_what_never_ran_has_no_start_and_no_end_of_a_program() -> None:
    purged = an_execution("ERROR", finished_at=at(40), recorded_at=at(40), final_state={"StartedAt": None})
    assert Timeline.of(purged) == Timeline(NOW, None, None, None, None, None, at(40))
    assert known(purged) == {"waiting": 40, "total": 40}
    claimed = replace(purged, claimed_at=at(10), started_at=at(10))
    assert Timeline.of(claimed).started is None
    assert known(claimed) == {"waiting": 10, "total": 40}


def test_an_execution_of_an_older_version_has_what_it_has() -> None:
    old = an_execution("COMPLETE", started_at=at(10), finished_at=at(40), final_state={"StartedAt": "then"})
    assert known(old) == {"running": 30, "total": 40}


@pytest.mark.parametrize("exited", [50, 60])
def test_no_clock_makes_time_run_backwards(exited: int) -> None:
    assert known(replace(COMPLETE, finished_at=at(exited)))["running"] == 0
