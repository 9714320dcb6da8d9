"""What a container says, on its way to the engine: decoded, bounded, and sent on while it still runs."""

import codecs
import time
from collections.abc import Callable
from threading import Lock

from abaco.pool.flusher import FIRST_SECONDS, LATER_SECONDS
from abaco.ports import LogAppended, PoolEvent, ResultSent

__all__ = ["DROPPED", "MAX_RESULTS", "MAX_RESULT_BYTES", "TRUNCATED", "Recorder"]

TRUNCATED = " LOG LIMIT EXCEEDED; this execution log was TRUNCATED!"
"""Follows the first part of a log that was too long; the words are the wire contract's."""

MAX_RESULTS = 10_000
MAX_RESULT_BYTES = 64 * 1024**2
"""Of one execution: what a container sends faster than it is stored is held in the engine's memory."""
DROPPED = f"\nAbaco: results beyond {MAX_RESULTS} or {MAX_RESULT_BYTES} bytes of one execution are dropped.\n"


class Recorder:
    """The sink of one container. `flush` may be called by another thread while the container runs.

    `stir` is called when there is something to flush.
    """

    def __init__(
        self,
        execution_id: str,
        attempt: int,
        limit: int,
        emit: Callable[[PoolEvent], None],
        stir: Callable[[], None],
    ) -> None:
        self._execution_id = execution_id
        self._attempt = attempt
        self._room = limit
        self._emit = emit
        self._stir = stir
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._pending: list[str] = []
        self._due: float | None = None
        self._patience = FIRST_SECONDS
        self._lock = Lock()
        self._results = 0
        self._result_bytes = 0
        self._dropped = False

    def output(self, data: bytes) -> None:
        with self._lock:
            if self._room >= 0:  # else it would be decoded for nothing, gigabytes of it perhaps
                self._take(self._decoder.decode(data))

    def result(self, data: bytes) -> None:
        self._results += 1
        self._result_bytes += len(data)
        if self._results <= MAX_RESULTS and self._result_bytes <= MAX_RESULT_BYTES:
            self._emit(ResultSent(self._execution_id, self._attempt, data))
        elif not self._dropped:
            self._dropped = True
            with self._lock:
                self._take(DROPPED)

    def flush(self, now: float) -> float | None:
        """Send on what has gathered if it has waited long enough; else when it will have, None if there is nothing."""
        with self._lock:
            if self._due is None or now < self._due:
                return self._due
            self._due, self._patience = None, LATER_SECONDS
            self._emit(LogAppended(self._execution_id, self._attempt, self._drain()))
            return None

    def finish(self) -> str:
        """What is left to send when the container has ended."""
        with self._lock:
            self._take(self._decoder.decode(b"", final=True))
            self._due = None
            return self._drain()

    def _take(self, text: str) -> None:
        if self._room < 0 or not text:
            return
        # PostgreSQL's text holds no NUL; it stands for garbage like what the decoder replaces.
        kept = text[: self._room].replace("\0", "\N{REPLACEMENT CHARACTER}")
        self._room -= len(text)
        self._pending.append(kept if self._room >= 0 else kept + TRUNCATED)
        if self._due is None:
            self._due = time.monotonic() + self._patience
            self._stir()

    def _drain(self) -> str:
        text = "".join(self._pending)
        self._pending.clear()
        return text
