"""How many workers each actor should have: a pure decision on a snapshot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["ActorLoad", "Decisions", "plan"]


@dataclass(frozen=True, slots=True)
class ActorLoad:
    """One actor's demand and supply. `wanted` is the number of messages that wait, capped by the observer.

    `requested` is how many workers it is to have whether messages wait or not; it may exceed `limit`.
    """

    actor_id: str
    tenant: str
    limit: int
    wanted: int
    idle: int = 0
    busy: int = 0
    starting: int = 0
    requested: int = 0

    @property
    def workers(self) -> int:
        return self.idle + self.busy + self.starting

    @property
    def needed(self) -> int:
        """Workers it could use for messages at once and may have."""
        return max(0, min(self.wanted - self.idle - self.starting, self.limit - self.workers))

    @property
    def lacking(self) -> int:
        """Those, and what is missing of the requested ones."""
        return max(self.needed, self.requested - self.workers)


@dataclass(frozen=True, slots=True)
class Decisions:
    """Workers to start and to retire, by actor."""

    start: Mapping[str, int] = field(default_factory=dict)
    retire: Mapping[str, int] = field(default_factory=dict)


def plan(loads: Sequence[ActorLoad], capacity: int) -> Decisions:
    """Share `capacity` workers among the actors that lack some.

    A free place goes to an actor that has no worker, so that nobody's backlog starves another's first message;
    then to the tenant with the fewest workers, and in it to the actor with the fewest. Workers for messages come
    before requested ones. When no place is free, idle workers that nobody needs are retired; for an actor without
    any worker also one of the actor that holds the most.
    """
    by_actor = {load.actor_id: load for load in loads}
    held = {load.actor_id: load.workers for load in loads}
    needs = {load.actor_id: load.needed for load in loads if load.needed}
    requests = {load.actor_id: load.lacking - load.needed for load in loads if load.lacking > load.needed}
    tenants: dict[str, int] = {}
    for load in loads:
        tenants[load.tenant] = tenants.get(load.tenant, 0) + load.workers
    start: dict[str, int] = {}
    free = capacity - sum(held.values())
    while free > 0 and (lacking := needs or requests):
        chosen = min(lacking, key=lambda a: (held[a] > 0, tenants[by_actor[a].tenant], held[a]))
        start[chosen] = start.get(chosen, 0) + 1
        held[chosen] += 1
        tenants[by_actor[chosen].tenant] += 1
        free -= 1
        lacking[chosen] -= 1
        if not lacking[chosen]:
            del lacking[chosen]
    return Decisions(start, _make_room(loads, held, needs, requests))


def _make_room(
    loads: Sequence[ActorLoad], held: Mapping[str, int], needs: Mapping[str, int], requests: Mapping[str, int]
) -> dict[str, int]:
    """Workers to retire for the lacking: any that somebody can spare, but busy ones only for somebody's first.

    Whoever lacks requested workers spares what it has for messages only, else it would be retired for itself.
    """
    first = sum(not held[actor_id] for actor_id in needs)
    urgent = sum(needs.values())
    retire: dict[str, int] = {}
    for place in range(urgent + sum(requests.values())):
        spare = [
            a
            for a in loads
            if a.idle - a.wanted - retire.get(a.actor_id, 0) > 0 and (place < urgent or a.actor_id not in requests)
        ]
        rich = [a for a in loads if place < first and held[a.actor_id] - retire.get(a.actor_id, 0) > 1]
        victims = spare or sorted(rich, key=lambda a: retire.get(a.actor_id, 0) - held[a.actor_id])
        if not victims:
            break
        retire[victims[0].actor_id] = retire.get(victims[0].actor_id, 0) + 1
    return retire
