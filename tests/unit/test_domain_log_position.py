"""Where somebody who follows a log has got to."""

from dataclasses import replace

import pytest
from store.scene import new_message

from abaco.domain.lifecycle import ExecutionStatus
from abaco.domain.log_position import LogPosition
from abaco.errors import InvalidInput


def test_a_position_is_read_as_it_is_written() -> None:
    for position in (LogPosition(0, 0), LogPosition(12, 3)):
        assert LogPosition.read(str(position)) == position
    assert LogPosition.read("") == LogPosition()
    assert LogPosition.read("7") == LogPosition(7, None)


@pytest.mark.parametrize("text", ["a", "1:", ":1", "1:2:3", "-1", " 1", "1" * 10, "٣"])
def test_anything_else_is_refused(text: str) -> None:
    """P7"""
    with pytest.raises(InvalidInput, match="Last-Event-ID"):
        LogPosition.read(text)


@pytest.mark.parametrize(
    ("position", "status", "attempts", "void"),
    [
        (LogPosition(0, 1), "RUNNING", 2, False),
        (LogPosition(5, 1), "RUNNING", 1, False),
        (LogPosition(5, 1), "COMPLETE", 1, False),
        (LogPosition(5, None), "RUNNING", 2, False),
        (LogPosition(5, 1), "RUNNING", 2, True),
        (LogPosition(5, 1), "COMPLETE", 2, True),
        (LogPosition(5, 1), "SUBMITTED", 1, True),
    ],
)
def test_what_a_lost_attempt_said_is_void(position: LogPosition, status: str, attempts: int, void: bool) -> None:
    """P4"""
    execution = replace(new_message("e1").execution, attempts=attempts, status=ExecutionStatus(status))
    assert position.is_void(execution) is void
