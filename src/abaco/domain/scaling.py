"""How many workers each actor should have: a pure decision on a snapshot of one queue.

Places are shared evenly by tenants, within a tenant by owners of actors, and within an owner by actors: neither many
messages nor many actors nor many owners make anybody's share larger.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["ActorLoad", "Decisions", "groups", "plan"]


def groups(tenant: str, owner: str, actor_id: str) -> tuple[tuple[str, ...], ...]:
    """Who shares places with whom: an actor's tenant, its owner, and itself."""
    return (tenant,), (tenant, owner), (tenant, owner, actor_id)


@dataclass(frozen=True, slots=True)
class ActorLoad:
    """One actor's demand and supply. `wanted` is the number of messages that wait, capped by the observer.

    `requested` is how many workers it is to have whether messages wait or not; it may exceed `limit`. Of its workers
    `leaving` ones go once they are free; for `early` of the `starting` ones no message waits. `had_turn`: one of the
    others has been there long enough to make room for an equal. Each worker needs all the `devices`, alone. `since`
    says by rising numbers who has waited longest for a place: the actor's tenant, its owner, and itself.
    """

    actor_id: str
    tenant: str
    owner: str
    limit: int
    wanted: int
    idle: int = 0
    busy: int = 0
    starting: int = 0
    early: int = 0
    leaving: int = 0
    requested: int = 0
    had_turn: bool = False
    devices: frozenset[str] = frozenset()
    since: tuple[int, int, int] = (0, 0, 0)

    @property
    def staying(self) -> int:
        return self.idle + self.busy + self.starting

    @property
    def workers(self) -> int:
        return self.staying + self.leaving

    @property
    def needed(self) -> int:
        """Workers it could use for messages at once and may have."""
        return max(0, min(self.wanted - self.idle - self.starting, self.limit - self.workers))

    @property
    def lacking(self) -> int:
        """Those, and what is missing of the requested ones."""
        return max(self.needed, self.requested - self.workers)

    @property
    def spare(self) -> int:
        """Idle workers that no message of its own waits for."""
        return max(0, self.idle - self.wanted)


@dataclass(frozen=True, slots=True)
class Decisions:
    """Workers to start and to retire, by actor. Retiring a busy one means that it goes after its execution."""

    start: Mapping[str, int] = field(default_factory=dict)
    retire: Mapping[str, int] = field(default_factory=dict)


def plan(loads: Sequence[ActorLoad], capacity: int) -> Decisions:
    """Share `capacity` workers among the actors that lack some.

    A free place goes to the tenant with the fewest workers, in it to the owner with the fewest, and of theirs to the
    actor with the fewest; among equals to who has waited longest. Workers for messages come before requested ones.
    When no place is free (or a device is not), idle workers that nobody needs are retired; for an actor without any
    worker also one of whoever holds more, and of an equal that has had its turn. So everybody gets a place in the end.
    Of owners that hold as many as each other, and of one's actors, the first to lose a place has a worker that starts
    although no message waits for it.
    """
    round_ = _Round(loads, capacity)
    needs = {load.actor_id: load.needed for load in loads if load.needed}
    requests = {load.actor_id: load.lacking - load.needed for load in loads if load.lacking > load.needed}
    for lacking in (needs, requests):
        round_.give(lacking)
    round_.make_room(needs, for_messages=True)
    round_.make_room(requests, for_messages=False)
    return Decisions(round_.start, round_.retire)


class _Shares:
    """Who has how many places: workers that leave are counted no more, places that were given already."""

    def __init__(self, loads: Sequence[ActorLoad]) -> None:
        self._groups = {load.actor_id: groups(load.tenant, load.owner, load.actor_id) for load in loads}
        self._held: Counter[tuple[str, ...]] = Counter()
        for load in loads:
            self.add(load, load.staying)

    def add(self, load: ActorLoad, number: int) -> None:
        for group in self._groups[load.actor_id]:
            self._held[group] += number

    def of(self, load: ActorLoad) -> tuple[int, ...]:
        """Of its tenant, of its owner, and its own."""
        return tuple(self._held[group] for group in self._groups[load.actor_id])

    def rank(self, load: ActorLoad) -> tuple[tuple[int, int], ...]:
        """Smaller is sooner."""
        return tuple(zip(self.of(load), load.since, strict=True))

    def may_take(self, needy: ActorLoad, giver: ActorLoad) -> bool:
        """Whether a place of `giver` is due to `needy`: the closest groups that tell them apart are compared."""
        for mine, theirs in zip(self._groups[needy.actor_id], self._groups[giver.actor_id], strict=True):
            if mine != theirs:
                ahead = self._held[theirs] - self._held[mine]
                return ahead > 1 or (ahead == 1 and giver.had_turn)
        return False


class _Round:
    """One sharing out. `give` comes before `make_room`."""

    def __init__(self, loads: Sequence[ActorLoad], capacity: int) -> None:
        self.start: dict[str, int] = {}
        self.retire: dict[str, int] = {}
        self._by_id = {load.actor_id: load for load in loads}
        self._shares = _Shares(loads)
        self._free = capacity - sum(load.workers for load in loads)
        self._taken = {device for load in loads if load.workers for device in load.devices}
        # Places that become free without more ado; the first in the line count on them.
        self._going = sum(load.leaving for load in loads)
        self._givers = [load for load in loads if load.staying]
        # Owners whose next actor would fare like the one before: there may be very many.
        self._hopeless: set[tuple[str, str]] = set()

    def give(self, lacking: dict[str, int]) -> None:
        """Give free places to those who lack some; `lacking` is left with what they still lack."""
        open_ = dict(lacking)
        while self._free > 0 and open_:
            load = min((self._by_id[actor_id] for actor_id in open_), key=self._shares.rank)
            if load.devices & self._taken:
                del open_[load.actor_id]
            else:
                self._start(load)
                for remaining in (open_, lacking):
                    remaining[load.actor_id] -= 1
                    if not remaining[load.actor_id]:
                        del remaining[load.actor_id]
            # What the first in the line waits for is kept for it, or it would never get all of them together.
            self._taken |= load.devices

    def _start(self, load: ActorLoad) -> None:
        self.start[load.actor_id] = self.start.get(load.actor_id, 0) + 1
        self._shares.add(load, 1)
        self._free -= 1

    def make_room(self, lacking: Mapping[str, int], *, for_messages: bool) -> None:
        """Retire workers for the lacking, but busy ones only for messages of an actor that has no worker.

        Whoever lacks requested workers spares what it has for messages only, else it would be retired for itself.
        """
        for load in sorted((self._by_id[actor_id] for actor_id in lacking), key=self._shares.rank):
            for _ in range(lacking[load.actor_id]):
                if not self._make_place(load, lacking, for_messages=for_messages):
                    break

    def _make_place(self, load: ActorLoad, lacking: Mapping[str, int], *, for_messages: bool) -> bool:
        """Whether there will be a place."""
        keeps = () if for_messages else lacking
        if load.devices and any(giver.devices & load.devices for giver in self._givers):
            return self._free_devices(load, keeps, for_messages=for_messages)
        if self._free > 0:
            self._free -= 1
            return True
        if self._going > 0:
            self._going -= 1
            self._shares.add(load, 1)
            return True
        giver = next((one for one in self._givers if self._spares(one, keeps)), None)
        if giver is None and for_messages:
            giver = self._richest(load)
        if giver is not None:
            self._retire(giver, load)
        return giver is not None

    def _free_devices(self, load: ActorLoad, keeps: Mapping[str, int] | tuple[()], *, for_messages: bool) -> bool:
        """Have those go who hold its devices, if they may be asked to."""
        holders = [one for one in self._givers if one.devices & load.devices and self._staying(one)]
        for one in holders:
            due = for_messages and not self._has_any(load) and self._shares.may_take(load, one)
            if one is not load and (self._spares(one, keeps) or due):
                self._retire(one, load)
        return False

    def _richest(self, needy: ActorLoad) -> ActorLoad | None:
        """Of those whose place is due to `needy` the first to lose one; none if it has a worker already."""
        owner = (needy.tenant, needy.owner)
        if owner in self._hopeless or self._has_any(needy):
            return None
        rich = [one for one in self._able_to_give() if self._shares.may_take(needy, one)]
        if not rich:
            self._hopeless.add(owner)
            return None
        return max(rich, key=self._wealth)

    def _wealth(self, load: ActorLoad) -> tuple[int, ...]:
        """Larger is the first to lose a place."""
        *others, own = self._shares.of(load)
        early = load.early > self.retire.get(load.actor_id, 0)
        # Of those the latest: others may have fetched much of an image already.
        return *others, early, own, load.since[-1] if early else 0

    def _able_to_give(self) -> Iterator[ActorLoad]:
        return (one for one in self._givers if self._staying(one) and one.actor_id not in self.start)

    def _has_any(self, load: ActorLoad) -> bool:
        return self._shares.of(load)[-1] > 0

    def _staying(self, load: ActorLoad) -> int:
        return load.staying - self.retire.get(load.actor_id, 0)

    def _spares(self, load: ActorLoad, keeps: Mapping[str, int] | tuple[()]) -> bool:
        return load.spare > self.retire.get(load.actor_id, 0) and load.actor_id not in keeps

    def _retire(self, giver: ActorLoad, needy: ActorLoad) -> None:
        self.retire[giver.actor_id] = self.retire.get(giver.actor_id, 0) + 1
        self._shares.add(giver, -1)
        self._shares.add(needy, 1)
