"""Forgetting what has expired."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from abaco.ports import ActorFiles, Clock, PushedBlobs, Store

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
    files: int


class Pruner:
    """`files_last` is how long actors' files stay that nobody uses."""

    def __init__(
        self, store: Store, blobs: PushedBlobs, files: ActorFiles, clock: Clock, files_last: timedelta
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._files = files
        self._clock = clock
        self._files_last = files_last

    def run_once(self) -> Pruned:
        """Remove expired logs, results, tokens, keys and files, and pieces of what never came to be."""
        now = self._clock.now()
        return Pruned(
            self._store.logs.prune(now),
            self._store.results.prune(now),
            self._store.mailbox.prune_chunks(now - _ORPHANED_AFTER),
            self._store.tokens.prune(now),
            self._store.mailbox.prune_sends(now - _KEYS_LAST),
            self._blobs.prune(now - _ORPHANED_AFTER),
            sum(self._prune_files(actor_id, now) for actor_id in self._files.holders()),
        )

    def _prune_files(self, actor_id: str, now: datetime) -> int:
        if not self._store.actors.exists(actor_id):
            self._files.remove(actor_id)
            return 0
        # A message names files that were used shortly before it came, and may wait for longer than they would last.
        waiting_since = self._store.mailbox.oldest(actor_id)
        unused_since = min(now, waiting_since or now) - self._files_last
        return self._files.prune(actor_id, unused_since, now - _ORPHANED_AFTER)
