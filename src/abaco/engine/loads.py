"""What `domain.scaling.plan` is shown of the demand and of the crew."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from abaco.domain.actor import Actor
from abaco.domain.lifecycle import ActorStatus
from abaco.domain.queue import Queue
from abaco.domain.scaling import ActorLoad
from abaco.engine.crew import Crew, Member
from abaco.engine.demand import Demand
from abaco.ports import Clock, Waiting

__all__ = ["Loads", "last_idle"]

_RUNNABLE = {ActorStatus.SUBMITTED, ActorStatus.READY}
_TURN = timedelta(seconds=2)
"""How long a worker has its place before an equal may have it: much longer than it takes to start one."""
_PULL: Final = timedelta(minutes=5)
"""The same for one whose image is still being prepared: time for a large one, though not for a registry that is silent.
"""


class Loads:
    """`max_workers_per_actor` is the setting, and so are the `queues`."""

    def __init__(
        self, crew: Crew, demand: Demand, clock: Clock, max_workers_per_actor: int, queues: Mapping[str, Queue]
    ) -> None:
        self._crew = crew
        self._demand = demand
        self._clock = clock
        self._max_workers_per_actor = max_workers_per_actor
        self._devices = {name: frozenset(queue.gpus) for name, queue in queues.items()}

    def in_queue(self, queue: str, places: int) -> list[ActorLoad]:
        """Of everybody whom the queue's places are shared by: of those without workers only who could get one."""
        # As many again as there are places, since whoever has a worker stands in line for more.
        first = {waiting.actor.id: waiting for waiting in self._demand.first(queue, 2 * places)}
        teams = {actor_id: self._crew.of(actor_id, queue) for actor_id in self._crew.actor_ids()}
        for actor_id in teams:
            waiting = self._demand.find(actor_id)
            if waiting is not None and waiting.actor.queue == queue:
                first[actor_id] = waiting
        resting = [team for actor_id, team in teams.items() if team and actor_id not in first]
        # Whose worker has been idle for the shortest time is asked for it last.
        return [*map(self.of, first.values()), *map(self._rest, sorted(resting, key=last_idle))]

    def of(self, waiting: Waiting) -> ActorLoad:
        actor = waiting.actor
        team = self._crew.of(actor.id, actor.queue)
        current = [member for member in team if member.revision == actor.revision and not member.leaving]
        idle = sum(member.is_idle for member in current)
        starting = sum(member.is_starting for member in current)
        leaving = sum(member.leaving for member in team)
        placeable = self._is_placeable(actor)
        had_turn = self._had_turn(team)
        return ActorLoad(
            actor_id=actor.id,
            tenant=actor.tenant,
            owner=actor.owner,
            limit=actor.worker_limit(self._max_workers_per_actor),
            wanted=_wanted(waiting, idle + starting) if placeable else 0,
            idle=idle,
            starting=starting,
            early=max(0, starting - waiting.count),
            busy=len(team) - idle - starting - leaving,
            leaving=leaving,
            requested=waiting.requested if actor.status in _RUNNABLE and placeable else 0,
            had_turn=had_turn,
            # There may be no such image, and a burst of short messages is over before further workers are there.
            modest=actor.status is ActorStatus.SUBMITTED or not had_turn,
            devices=frozenset(actor.gpus),
            holds=_held(team),
            since=self._demand.since(actor),
        )

    def _rest(self, team: Sequence[Member]) -> ActorLoad:
        """Of an actor that wants nothing more than it has."""
        one = team[0]
        idle, leaving = sum(member.is_idle for member in team), sum(member.leaving for member in team)
        starting = sum(member.is_starting for member in team)
        return ActorLoad(
            actor_id=one.actor_id,
            tenant=one.tenant,
            owner=one.owner,
            limit=0,
            wanted=0,
            idle=idle,
            starting=starting,
            early=starting,
            busy=len(team) - idle - starting - leaving,
            leaving=leaving,
            had_turn=self._had_turn(team),
            devices=team[-1].devices,
            holds=_held(team),
        )

    def _is_placeable(self, actor: Actor) -> bool:
        """Whether its queue has the devices it names: the settings may have given one to another since."""
        return self._devices.get(actor.queue, frozenset()).issuperset(actor.gpus)

    def _had_turn(self, team: Iterable[Member]) -> bool:
        now = self._clock.now()
        return any(_had_turn(one, now) for one in team if not one.leaving)


def _held(team: Iterable[Member]) -> frozenset[str]:
    """Their devices, which the actor may name no more."""
    return frozenset().union(*(member.devices for member in team))


def _had_turn(member: Member, now: datetime) -> bool:
    if member.is_starting:
        return member.started_at is not None and now - member.started_at >= _PULL
    return member.ready_at is not None and now - member.ready_at >= _TURN


def last_idle(team: Iterable[Member]) -> float:
    """When the one of them that was at work last became idle; 0 if none ever was."""
    return max(member.idle_since.timestamp() if member.idle_since else 0.0 for member in team)


def _wanted(waiting: Waiting, available: int) -> int:
    """Messages an actor has use for workers for. A SUBMITTED actor wants one, to have its image prepared."""
    status = waiting.actor.status
    if status is ActorStatus.READY:
        return waiting.count
    if status is ActorStatus.SUBMITTED:
        return available or max(1, waiting.count)
    return 0
