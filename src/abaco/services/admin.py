"""What administrators see of all tenants, and the numbers that every user may know."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from abaco.domain.actor import Actor
from abaco.domain.user import Principal
from abaco.errors import NotPermitted
from abaco.ports import Gauges, PlacedWorker, Store, Totals
from abaco.services.access import require_full

__all__ = ["ActorOverview", "Admin", "ExecutionsOverview", "Utilization", "WorkersOverview"]

_FULLEST = 50
"""Mailboxes that metrics name: a label has few values, whatever number of actors there is."""


@dataclass(frozen=True, slots=True)
class Utilization:
    """Actors there are and ever were, workers, and those of them that are on their way."""

    current_actors: int
    total_actors: int
    workers: int
    command_queue: int


@dataclass(frozen=True, slots=True)
class ActorOverview:
    actor: Actor
    workers: Sequence[PlacedWorker]
    messages: int
    totals: Totals


@dataclass(frozen=True, slots=True)
class WorkersOverview:
    workers: Sequence[PlacedWorker]
    actors_without: int


@dataclass(frozen=True, slots=True)
class ExecutionsOverview:
    """`ever` and `existing` are sums over all actors there ever were and over those there are.

    The first number of each is how many actors, the second how many of these have executions.
    """

    ever: tuple[int, int, Totals]
    existing: tuple[int, int, Totals]
    actors: Sequence[tuple[Actor, Totals]]


class Admin:
    def __init__(self, store: Store) -> None:
        self._store = store

    def utilization(self, caller: Principal) -> Utilization:
        require_full(caller)
        existing, workers, coming = self._store.admin.counts()
        return Utilization(existing, self._store.admin.actors_ever(), workers, coming)

    def actors(self, caller: Principal) -> list[ActorOverview]:
        """Every actor with its workers, waiting messages and sums; raises NotPermitted without the admin role."""
        _require_admin(caller)
        teams: dict[str, list[PlacedWorker]] = {}
        for placed in self._store.admin.workers():
            teams.setdefault(placed.worker.actor_id, []).append(placed)
        waiting, totals = self._store.admin.waiting(), self._store.admin.totals()
        return [
            ActorOverview(actor, teams.get(actor.id, []), waiting.get(actor.id, 0), totals.get(actor.id, Totals()))
            for actor in self._store.admin.actors()
        ]

    def workers(self, caller: Principal) -> WorkersOverview:
        """Every worker; raises NotPermitted without the admin role."""
        _require_admin(caller)
        workers = self._store.admin.workers()
        staffed = {placed.worker.actor_id for placed in workers}
        return WorkersOverview(workers, sum(actor.id not in staffed for actor in self._store.admin.actors()))

    def executions(self, caller: Principal) -> ExecutionsOverview:
        """What executions add up to; raises NotPermitted without the admin role."""
        _require_admin(caller)
        totals = self._store.admin.totals()
        actors = [(actor, totals.get(actor.id, Totals())) for actor in self._store.admin.actors()]
        ever = (self._store.admin.actors_ever(), len(totals), _sum(totals.values()))
        having = sum(one.executions > 0 for _, one in actors)
        return ExecutionsOverview(ever, (len(actors), having, _sum(one for _, one in actors)), actors)

    def check(self, caller: Principal) -> None:
        """Raise NotPermitted without the admin role."""
        _require_admin(caller)

    def gauges(self) -> Gauges:
        """What metrics show; whether the caller may see it is the caller's business."""
        return self._store.admin.gauges(_FULLEST)

    def actors_ever(self) -> int:
        return self._store.admin.actors_ever()


def _require_admin(caller: Principal) -> None:
    require_full(caller)
    if not caller.is_admin:
        raise NotPermitted("Not authorized -- Abaco Admin role required.")


def _sum(totals: Iterable[Totals]) -> Totals:
    every = list(totals)
    return Totals(
        sum(one.executions for one in every),
        sum(one.runtime for one in every),
        sum(one.cpu for one in every),
        sum(one.io for one in every),
    )
