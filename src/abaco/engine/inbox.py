"""What the engine has been told since it last looked: topics from the notifier, events from the pool."""

from collections import deque
from collections.abc import Callable

from abaco.ports import PoolEvent

__all__ = ["Inbox"]


class Inbox:
    """Filled from any thread; `wake` is called after each word and must be thread-safe."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._topics: deque[str] = deque()
        self._events: deque[PoolEvent] = deque()

    def hear(self, topics: set[str]) -> None:
        self._topics.extend(topics)
        self._wake()

    def notify(self, topic: str) -> None:
        """What the engine says to itself: `ports.Notifier`."""
        self.hear({topic})

    def put(self, event: PoolEvent) -> None:
        self._events.append(event)
        self._wake()

    def take(self) -> tuple[set[str], list[PoolEvent]]:
        """Everything so far, once."""
        topics = {self._topics.popleft() for _ in range(len(self._topics))}
        return topics, [self._events.popleft() for _ in range(len(self._events))]
