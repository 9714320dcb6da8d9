"""An actor's workers: seeing them, asking for more, asking one to stop."""

from abaco.domain.actor import Actor
from abaco.domain.event import WorkersRequested, WorkerStopRequested
from abaco.domain.lifecycle import ActorStatus
from abaco.domain.permission import Level
from abaco.domain.user import Principal
from abaco.errors import Conflict, NotFound, NotPermitted
from abaco.ports import Emit, Notifier, PlacedWorker, Store, WorkersAdded
from abaco.services.access import Access

__all__ = ["Workers"]

_OF_STATEFUL = 2
"""What an administrator may ask for where the limit is 1; the second worker only stands by."""


class Workers:
    """`max_workers_per_actor` is the setting."""

    def __init__(
        self, store: Store, access: Access, notifier: Notifier, emit: Emit, max_workers_per_actor: int
    ) -> None:
        self._store = store
        self._access = access
        self._notifier = notifier
        self._emit = emit
        self._max_workers_per_actor = max_workers_per_actor

    def list(self, caller: Principal, identifier: str) -> "list[PlacedWorker]":
        actor = self._access.require(caller, identifier, Level.READ)
        return self._store.workers.placed(actor.id)

    def get(self, caller: Principal, identifier: str, worker_id: str) -> PlacedWorker:
        actor = self._access.require(caller, identifier, Level.READ)
        found = self._store.workers.find(actor.id, worker_id)
        if found is None:
            raise NotFound(f"No worker {worker_id[:80]} found for actor {actor.id}.")
        return found

    def add(self, caller: Principal, identifier: str, number: int) -> tuple[Actor, WorkersAdded]:
        """Have at least `number` workers, yet no more than the actor may have; none is removed.

        Raises NotPermitted without UPDATE on the actor, Conflict if no worker of it could start.
        """
        actor = self._require_update(caller, identifier)
        if actor.status is ActorStatus.ERROR:
            raise Conflict("The actor is in ERROR, so that no worker of it starts: update the actor first.")
        limit = actor.worker_limit(self._max_workers_per_actor)
        if caller.is_admin and not actor.stateless and not actor.gpus:
            limit = _OF_STATEFUL
        added = self._store.workers.request(actor.id, min(max(1, number), limit))
        if added.added:
            self._notifier.notify(f"actor:{actor.id}")
            self._emit(WorkersRequested(actor.tenant, actor.id, added.before + added.added, caller.username))
        return actor, added

    def _require_update(self, caller: Principal, identifier: str) -> Actor:
        try:
            return self._access.require(caller, identifier, Level.UPDATE)
        except NotPermitted:
            raise NotPermitted(
                "Not authorized -- only admins may update workers, and users with UPDATE on the actor."
            ) from None

    def stop(self, caller: Principal, identifier: str, worker_id: str) -> None:
        """Have the worker stop; a busy one finishes its execution first."""
        actor = self._access.require(caller, identifier, Level.UPDATE)
        self._store.workers.request_stop(actor.id, worker_id)
        self._notifier.notify(f"worker:{worker_id}")
        self._emit(WorkerStopRequested(actor.tenant, actor.id, worker_id, caller.username))
