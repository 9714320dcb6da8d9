"""Where somebody who follows a log has got to."""

import re
from dataclasses import dataclass

from abaco.domain.execution import Execution
from abaco.domain.lifecycle import TERMINAL, ExecutionStatus
from abaco.errors import InvalidInput

__all__ = ["LogPiece", "LogPosition"]

_WRITTEN = re.compile(r"(?:([0-9]{1,9}):)?([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class LogPosition:
    """`offset` characters of the log of this attempt are known; `attempt` None is whichever attempt runs."""

    offset: int = 0
    attempt: int | None = None

    def __str__(self) -> str:
        """ATTEMPT:OFFSET."""
        return f"{self.attempt or 0}:{self.offset}"

    @staticmethod
    def read(text: str) -> "LogPosition":
        """The position that `text` is, ATTEMPT:OFFSET or OFFSET, "" the beginning; raises InvalidInput."""
        if not text:
            return LogPosition()
        match = _WRITTEN.fullmatch(text)
        if match is None:
            raise InvalidInput(
                "Last-Event-ID is not the id of an event of this log: leave it out to begin at the start."
            )
        return LogPosition(int(match[2]), None if match[1] is None else int(match[1]))

    def is_void(self, execution: Execution) -> bool:
        """Whether what is known is of an attempt that was lost, whose log is gone."""
        if self.offset == 0:
            return False
        lost = execution.status is ExecutionStatus.SUBMITTED
        return lost or self.attempt not in {None, execution.attempts}


@dataclass(frozen=True, slots=True)
class LogPiece:
    """`text` follows what the asker knew; with `restarted` it is the beginning, and what they knew is void.

    `end` is where the piece ends. `execution` is as it was before the piece was read.
    """

    execution: Execution
    text: str
    end: LogPosition
    restarted: bool

    @property
    def is_last(self) -> bool:
        """Whether nothing will follow if this piece is empty: a log is complete before its execution has ended."""
        return self.execution.status in TERMINAL
