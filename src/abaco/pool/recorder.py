"""What a container says, on its way to the engine: decoded, bounded, and sent on while it still runs."""

import codecs
from collections.abc import Callable
from threading import Lock

from abaco.ports import LogAppended, PoolEvent, ResultSent

__all__ = ["TRUNCATED", "Recorder"]

TRUNCATED = " LOG LIMIT EXCEEDED; this execution log was TRUNCATED!"
"""Follows the first part of a log that was too long; the words are the wire contract's."""


class Recorder:
    """The sink of one container. `flush` may be called by another thread while the container runs."""

    def __init__(self, execution_id: str, attempt: int, limit: int, emit: Callable[[PoolEvent], None]) -> None:
        self._execution_id = execution_id
        self._attempt = attempt
        self._room = limit
        self._emit = emit
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._pending: list[str] = []
        self._lock = Lock()

    def output(self, data: bytes) -> None:
        with self._lock:
            self._take(self._decoder.decode(data))

    def result(self, data: bytes) -> None:
        self._emit(ResultSent(self._execution_id, self._attempt, data))

    def flush(self) -> None:
        """Send on what has gathered."""
        with self._lock:
            text = self._drain()
            if text:
                self._emit(LogAppended(self._execution_id, self._attempt, text))

    def finish(self) -> str:
        """What is left to send when the container has ended."""
        with self._lock:
            self._take(self._decoder.decode(b"", final=True))
            return self._drain()

    def _take(self, text: str) -> None:
        if self._room < 0:
            return
        # PostgreSQL's text holds no NUL; it stands for garbage like what the decoder replaces.
        kept = text[: self._room].replace("\0", "\N{REPLACEMENT CHARACTER}")
        self._room -= len(text)
        self._pending.append(kept if self._room >= 0 else kept + TRUNCATED)

    def _drain(self) -> str:
        text = "".join(self._pending)
        self._pending.clear()
        return text
