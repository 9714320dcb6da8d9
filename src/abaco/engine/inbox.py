"""What the engine has been told since it last looked: topics from the notifier, events from the pool."""

from collections import deque
from collections.abc import Callable

from abaco.ports import ExecutionEnded, PoolEvent

__all__ = ["Inbox"]


_GATHER_SECONDS = 0.04
"""How late an outcome is recorded while its worker has more to do, so that several are recorded at once."""
_RESULT_SECONDS = 0.002
"""The same if there are results, which somebody may wait for."""


class Inbox:
    """Filled from any thread; after each word `wake` is called, or `wake_within` (seconds) if it may wait.

    Both must be thread-safe.
    """

    def __init__(self, wake: Callable[[], None], wake_within: Callable[[float], None]) -> None:
        self._wake = wake
        self._wake_within = wake_within
        self._topics: deque[str] = deque()
        self._events: deque[PoolEvent] = deque()

    def hear(self, topics: set[str]) -> None:
        self._topics.extend(topics)
        self._wake()

    def notify(self, *topics: str) -> None:
        """What the engine says to itself: `ports.Notifier`."""
        self.hear(set(topics))

    def put(self, event: PoolEvent) -> None:
        self._events.append(event)
        # A worker that goes on needs nothing yet; a little later there is more to record at once.
        if isinstance(event, ExecutionEnded) and event.goes_on:
            self._wake_within(_RESULT_SECONDS if event.results else _GATHER_SECONDS)
        else:
            self._wake()

    def take(self) -> tuple[set[str], list[PoolEvent]]:
        """Everything so far, once."""
        topics = {self._topics.popleft() for _ in range(len(self._topics))}
        return topics, [self._events.popleft() for _ in range(len(self._events))]
