"""Forgetting what has expired."""

from dataclasses import dataclass
from datetime import timedelta

from abaco.ports import Clock, PushedBlobs, Store

__all__ = ["Pruned", "Pruner"]

_ORPHANED_AFTER = timedelta(days=1)
"""Longer than any upload of a binary message or of an image takes."""

_KEYS_LAST = timedelta(days=1)
"""How long a message may be sent again by its key."""


@dataclass(frozen=True, slots=True)
class Pruned:
    logs: int
    results: int
    chunks: int
    tokens: int
    sends: int
    blobs: int


class Pruner:
    def __init__(self, store: Store, blobs: PushedBlobs, clock: Clock) -> None:
        self._store = store
        self._blobs = blobs
        self._clock = clock

    def run_once(self) -> Pruned:
        """Remove expired logs, results, tokens and keys, and pieces of messages and images that never came to be."""
        now = self._clock.now()
        return Pruned(
            self._store.logs.prune(now),
            self._store.results.prune(now),
            self._store.mailbox.prune_chunks(now - _ORPHANED_AFTER),
            self._store.tokens.prune(now),
            self._store.mailbox.prune_sends(now - _KEYS_LAST),
            self._blobs.prune(now - _ORPHANED_AFTER),
        )
