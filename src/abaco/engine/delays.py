"""When delayed messages fall due: the store knows, and is asked for the next moment only."""

from datetime import datetime

from abaco.ports import Clock, Store

__all__ = ["Delays"]


class Delays:
    """What falls due by itself. What was overdue when the engine began is found by its sweep, as all that waits is."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._asked_at = clock.now()
        self.next_at: datetime | None = None
        """When a message falls due next, as far as is known."""

    def fallen_due(self, *, ask: bool) -> set[str]:
        """The actors whose messages have fallen due since last time. `ask` if there may be new ones."""
        now = self._clock.now()
        if not ask and (self.next_at is None or self.next_at > now):
            return set()
        actor_ids, self.next_at = self._store.claims.fallen_due(self._asked_at, now)
        self._asked_at = now
        return actor_ids
