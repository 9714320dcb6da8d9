"""Leases: keeping this engine's alive, and taking over from engines that let theirs run out."""

from datetime import timedelta

from abaco.ports import Clock, Store
from abaco.services.work import Work

__all__ = ["LeaseLost", "Reaper"]


class LeaseLost(Exception):
    """Others have given this engine up: it must stop, and what it runs is theirs now."""


class Reaper:
    """`host` names the machine and the data directory; `address` is the machine's own, where it is known."""

    def __init__(
        self,
        engine_id: str,
        host: str,
        store: Store,
        work: Work,
        clock: Clock,
        lease_seconds: float,
        address: str | None = None,
    ) -> None:
        self._engine_id = engine_id
        self._host = host
        self._address = address
        self._store = store
        self._work = work
        self._clock = clock
        self._lease = timedelta(seconds=lease_seconds)

    def begin(self) -> int:
        """Register, and take back what former engines of this data directory held; how many messages.

        They are dead: this engine holds the directory's lock.
        """
        now = self._clock.now()
        former = self._store.engines.register(self._engine_id, self._host, now, now + self._lease, self._address)
        return self._work.reclaim(former)

    def run_once(self) -> int:
        """Renew the lease and reclaim what expired engines held; how many messages. Raises LeaseLost."""
        now = self._clock.now()
        if not self._store.engines.renew(self._engine_id, now, now + self._lease):
            raise LeaseLost("This engine was silent for too long; its messages were given to others.")
        return self._work.reclaim(self._store.engines.expired(now))
