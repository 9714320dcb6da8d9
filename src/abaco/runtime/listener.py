"""Bringing a container's words to its sink."""

from collections.abc import Callable
from datetime import datetime

from abaco.ports import Clock, ContainerSink
from abaco.runtime.results import MAX_RESULT_BYTES

__all__ = ["SinkListener"]


class SinkListener:
    """Adds ours where a result is lost; output goes through `gate` on its way."""

    def __init__(self, sink: ContainerSink, gate: Callable[[bytes], None], clock: Clock) -> None:
        self.result = sink.result
        self.flush = sink.flush
        self.spoke_at: datetime | None = None
        self._sink = sink
        self._gate = gate
        self._clock = clock

    def output(self, data: bytes) -> None:
        if self.spoke_at is None:
            self.spoke_at = self._clock.now()
        self._gate(data)

    def dropped(self, size: int) -> None:
        note = f"Abaco: a result of {size} bytes was dropped; a result may have at most {MAX_RESULT_BYTES} bytes.\n"
        self._sink.output(note.encode())
