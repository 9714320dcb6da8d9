"""What a container says, on its way to the engine: decoded, bounded, and sent on while it still runs."""

import codecs
import time
from collections.abc import Callable
from typing import TypeVar

from abaco.ports import LogAppended, PoolEvent, ResultSent

__all__ = [
    "DROPPED",
    "FIRST_SECONDS",
    "LATER_SECONDS",
    "MAX_RESULTS",
    "MAX_RESULT_BYTES",
    "RESULT_SECONDS",
    "TRUNCATED",
    "Recorder",
]

TRUNCATED = " LOG LIMIT EXCEEDED; this execution log was TRUNCATED!"
"""Follows the first part of a log that was too long; the words are the wire contract's."""

FIRST_SECONDS = 0.1
"""How long the first output of a container waits; shorter executions write their log only once, at the end."""
LATER_SECONDS = 0.5
"""How long later output waits for more: a write for each line would be too dear."""
RESULT_SECONDS = 0.002
"""How long a result waits: most are an execution's last word, and are recorded with its outcome then."""

MAX_RESULTS = 10_000
MAX_RESULT_BYTES = 64 * 1024**2
"""Of one execution: what a container sends faster than it is stored is held in the engine's memory."""
DROPPED = f"\nAbaco: results beyond {MAX_RESULTS} or {MAX_RESULT_BYTES} bytes of one execution are dropped.\n"

Piece = TypeVar("Piece", str, bytes)


class Recorder:
    """The sink of one container."""

    def __init__(self, execution_id: str, attempt: int, limit: int, emit: Callable[[PoolEvent], None]) -> None:
        self._execution_id = execution_id
        self._attempt = attempt
        self._room = limit
        self._emit = emit
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._texts: list[str] = []
        self._results: list[bytes] = []
        self._log_due: float | None = None
        self._results_due: float | None = None
        self._patience = FIRST_SECONDS
        self._result_count = 0
        self._result_bytes = 0
        self._dropped = False

    def output(self, data: bytes) -> None:
        if self._room >= 0:  # else it would be decoded for nothing, gigabytes of it perhaps
            self._take(self._decoder.decode(data))

    def result(self, data: bytes) -> None:
        self._result_count += 1
        self._result_bytes += len(data)
        if self._result_count <= MAX_RESULTS and self._result_bytes <= MAX_RESULT_BYTES:
            self._results.append(data)
            if self._results_due is None:
                self._results_due = time.monotonic() + RESULT_SECONDS
        elif not self._dropped:
            self._dropped = True
            self._take(DROPPED)

    def flush(self, now: float) -> float | None:
        """As `ports.ContainerSink` has it: when the rest is due, or None if there is none."""
        if self._results_due is not None and now >= self._results_due:
            self._results_due = None
            for data in self._drain(self._results):
                self._emit(ResultSent(self._execution_id, self._attempt, data))
        if self._log_due is not None and now >= self._log_due:
            self._log_due, self._patience = None, LATER_SECONDS
            self._emit(LogAppended(self._execution_id, self._attempt, "".join(self._drain(self._texts))))
        return min((due for due in (self._results_due, self._log_due) if due is not None), default=None)

    def finish(self) -> tuple[str, tuple[bytes, ...]]:
        """The output and the results that are left when the container has ended."""
        self._take(self._decoder.decode(b"", final=True))
        self._log_due = self._results_due = None
        return "".join(self._drain(self._texts)), tuple(self._drain(self._results))

    def _take(self, text: str) -> None:
        if self._room < 0 or not text:
            return
        # PostgreSQL's text holds no NUL; it stands for garbage like what the decoder replaces.
        kept = text[: self._room].replace("\0", "\N{REPLACEMENT CHARACTER}")
        self._room -= len(text)
        self._texts.append(kept if self._room >= 0 else kept + TRUNCATED)
        if self._log_due is None:
            self._log_due = time.monotonic() + self._patience

    @staticmethod
    def _drain(gathered: list[Piece]) -> list[Piece]:
        drained = gathered.copy()
        gathered.clear()
        return drained
