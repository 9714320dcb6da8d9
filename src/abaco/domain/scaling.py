"""How many workers each actor should have: a pure decision on a snapshot of one queue.

Places are shared evenly by tenants, within a tenant by owners of actors, and within an owner by actors: neither many
messages nor many actors nor many owners make anybody's share larger.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heapreplace

__all__ = ["ActorLoad", "Decisions", "groups", "plan"]

_Group = tuple[str, ...]


def groups(tenant: str, owner: str, actor_id: str) -> tuple[_Group, ...]:
    """Who shares places with whom: an actor's tenant, its owner, and itself."""
    return (tenant,), (tenant, owner), (tenant, owner, actor_id)


@dataclass(frozen=True, slots=True)
class ActorLoad:
    """One actor's demand and supply. `wanted` is the number of messages that wait, capped by the observer.

    `requested` is how many workers it is to have whether messages wait or not; it may exceed `limit`. Of its workers
    `leaving` ones go once they are free; for `early` of the `starting` ones no message waits. `had_turn`: one of the
    others has been there long enough to make room for an equal. Each new worker needs all the `devices`, alone; older
    ones still have those that it `holds`. `since` says by rising numbers who has waited longest for a place: the
    actor's tenant, its owner, and itself. `modest`: of others' places it gets its first only, since
    nobody knows yet whether it has use for more.
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
    modest: bool = False
    devices: frozenset[str] = frozenset()
    holds: frozenset[str] = frozenset()
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
    When no place is free (or a device is not), idle workers that nobody needs are retired; then one of whoever holds
    more by two, and for an actor without any worker one of an equal that has had its turn. So shares become even, and
    everybody gets a place in the end.
    Of owners that hold as many as each other, and of one's actors, the first to lose a place has a worker that starts
    although no message waits for it.
    """
    needs = {load.actor_id: load.needed for load in loads if load.needed}
    requests = {load.actor_id: load.lacking - load.needed for load in loads if load.lacking > load.needed}
    if not needs and not requests:
        return Decisions()
    round_ = _Round(loads, capacity)
    for lacking in (needs, requests):
        round_.give(lacking)
    round_.make_room(needs, for_messages=True)
    round_.make_room(requests, for_messages=False)
    return Decisions(round_.start, round_.retire)


class _Shares:
    """Who has how many places: workers that leave are counted no more, places that were given already."""

    def __init__(self, loads: Sequence[ActorLoad]) -> None:
        self._groups = {load.actor_id: groups(load.tenant, load.owner, load.actor_id) for load in loads}
        self._held: Counter[_Group] = Counter()
        for load in loads:
            self.add(load, load.staying)

    def add(self, load: ActorLoad, number: int) -> None:
        for group in self._groups[load.actor_id]:
            self._held[group] += number

    def of(self, load: ActorLoad) -> tuple[int, ...]:
        """Of its tenant, of its owner, and its own."""
        return tuple(self._held[group] for group in self._groups[load.actor_id])

    def groups_of(self, load: ActorLoad) -> tuple[_Group, ...]:
        return self._groups[load.actor_id]

    def scopes(self, load: ActorLoad) -> tuple[_Group, ...]:
        """Among whose groups its groups are: all, its tenant and its owner."""
        tenant, owner, _ = self._groups[load.actor_id]
        return (), tenant, owner

    def held(self, group: _Group) -> int:
        return self._held[group]

    def may_take(self, needy: ActorLoad, giver: ActorLoad) -> bool:
        """Whether a place of `giver` is due to `needy`: the closest groups that tell them apart are compared.

        A difference of two becomes none by it, so nobody takes it back. One of one would only change sides: that is
        how actors without a worker take turns.
        """
        for mine, theirs in zip(self._groups[needy.actor_id], self._groups[giver.actor_id], strict=True):
            if mine != theirs:
                ahead = self._held[theirs] - self._held[mine]
                return ahead > 1 or (ahead == 1 and giver.had_turn and not self.of(needy)[-1])
        return False


class _Line:
    """Those who lack places, the next to get one first: by tenants, within them by owners, within these by actors.

    Each group is a heap of the groups in it, so giving a place away costs a look at a few of them, not at everybody.
    """

    def __init__(self, shares: _Shares, loads: Iterable[ActorLoad]) -> None:
        self._shares = shares
        self._loads: dict[_Group, ActorLoad] = {}
        self._within: dict[_Group, list[tuple[int, int, _Group]]] = {}
        known: set[_Group] = set()
        for load in loads:
            names = shares.groups_of(load)
            for scope, group, since in zip(shares.scopes(load), names, load.since, strict=True):
                if group not in known:
                    known.add(group)
                    self._within.setdefault(scope, []).append((shares.held(group), since, group))
            self._loads[names[-1]] = load
        for heap in self._within.values():
            heapify(heap)

    def first(self) -> ActorLoad | None:
        group: _Group = ()
        while heap := self._within.get(group):
            group = self._top(heap)
        return self._loads.get(group)

    def _top(self, heap: list[tuple[int, int, _Group]]) -> _Group:
        while True:
            held, since, group = heap[0]
            now = self._shares.held(group)
            if held == now:
                return group
            # It got a place meanwhile. (One that lost a place may be found late: the next round has it right.)
            heapreplace(heap, (now, since, group))

    def drop(self, first: ActorLoad) -> None:
        """Let go whom `first` has just named."""
        for scope in reversed(self._shares.scopes(first)):
            heappop(self._within[scope])
            if self._within[scope]:
                break


class _Round:
    """One sharing out. `give` comes before `make_room`."""

    def __init__(self, loads: Sequence[ActorLoad], capacity: int) -> None:
        self.start: dict[str, int] = {}
        self.retire: dict[str, int] = {}
        self._by_id = {load.actor_id: load for load in loads}
        self._shares = _Shares(loads)
        self._free = capacity - sum(load.workers for load in loads)
        self._taken = {device for load in loads if load.workers for device in load.devices | load.holds}
        # Places that become free without more ado; the first in the line count on them.
        self._going = sum(load.leaving for load in loads)
        self._givers = [load for load in loads if load.staying]
        self._givers_in: defaultdict[_Group, list[ActorLoad]] = defaultdict(list)
        for load in self._givers:
            for scope in self._shares.scopes(load):
                self._givers_in[scope].append(load)
        # Scopes in which whoever comes next would fare like the one before, who has less: there may be very many.
        self._shut: set[_Group] = set()
        self._nobody_spares = False

    def give(self, lacking: dict[str, int]) -> None:
        """Give free places to those who lack some; `lacking` is left with what they still lack."""
        line = _Line(self._shares, self._all(lacking))
        while self._free > 0 and (load := line.first()):
            if load.devices & self._taken:
                line.drop(load)
            else:
                self._start(load)
                lacking[load.actor_id] -= 1
                if not lacking[load.actor_id]:
                    del lacking[load.actor_id]
                    line.drop(load)
            # What the first in the line waits for is kept for it, or it would never get all of them together.
            self._taken |= load.devices

    def _all(self, lacking: Iterable[str]) -> Iterator[ActorLoad]:
        return (self._by_id[actor_id] for actor_id in lacking)

    def _start(self, load: ActorLoad) -> None:
        self.start[load.actor_id] = self.start.get(load.actor_id, 0) + 1
        self._shares.add(load, 1)
        self._free -= 1

    def make_room(self, lacking: Mapping[str, int], *, for_messages: bool) -> None:
        """Retire workers for the lacking, but busy ones only for messages.

        Whoever lacks requested workers spares what it has for messages only, else it would be retired for itself.
        """
        self._nobody_spares = False
        line, left = _Line(self._shares, self._all(lacking)), dict(lacking)
        while load := line.first():
            left[load.actor_id] -= 1
            if not self._make_place(load, lacking, for_messages=for_messages) or not left[load.actor_id]:
                line.drop(load)

    def _make_place(self, load: ActorLoad, lacking: Mapping[str, int], *, for_messages: bool) -> bool:
        """Whether there will be a place."""
        keeps = () if for_messages else lacking
        taken = load.devices & self._taken
        # Kept for it as in `give`: a place for the next who waits for them would be of no use.
        self._taken |= load.devices
        if taken:
            self._free_devices(load, keeps, for_messages=for_messages)
            return False
        if self._going > 0:
            self._going -= 1
            self._shares.add(load, 1)
            return True
        giver = self._sparing(keeps)
        if giver is None and for_messages:
            giver = self._richest(load)
        if giver is not None:
            self._retire(giver, load)
        return giver is not None

    def _free_devices(self, load: ActorLoad, keeps: Mapping[str, int] | tuple[()], *, for_messages: bool) -> None:
        """Have those go who hold its devices, if they may be asked to."""
        holders = [one for one in self._givers if one.devices & load.devices and self._staying(one)]
        for one in holders:
            due = for_messages and self._shares.may_take(load, one)
            if one is not load and (self._spares(one, keeps) or due):
                self._retire(one, load)

    def _sparing(self, keeps: Mapping[str, int] | tuple[()]) -> ActorLoad | None:
        if self._nobody_spares:
            return None
        giver = next((one for one in self._givers if self._spares(one, keeps)), None)
        self._nobody_spares = giver is None
        return giver

    def _richest(self, needy: ActorLoad) -> ActorLoad | None:
        """Of those whose place is due to `needy` the first to lose one."""
        if needy.modest and self._shares.of(needy)[-1]:
            return None
        scopes = self._shares.scopes(needy)
        scope = next((one for one in scopes if one not in self._shut), None)
        if scope is None:
            return None
        rich = [one for one in self._able_to_give(scope) if self._shares.may_take(needy, one)]
        if not rich and not self._shares.of(needy)[-1]:
            self._shut.update(scopes)
        return max(rich, key=self._wealth, default=None)

    def _wealth(self, load: ActorLoad) -> tuple[int, ...]:
        """Larger is the first to lose a place."""
        *others, own = self._shares.of(load)
        early = load.early > self.retire.get(load.actor_id, 0)
        # Of those the latest: others may have fetched much of an image already.
        return *others, early, own, load.since[-1] if early else 0

    def _able_to_give(self, scope: _Group) -> Iterator[ActorLoad]:
        return (one for one in self._givers_in.get(scope, ()) if self._staying(one) and one.actor_id not in self.start)

    def _staying(self, load: ActorLoad) -> int:
        return load.staying - self.retire.get(load.actor_id, 0)

    def _spares(self, load: ActorLoad, keeps: Mapping[str, int] | tuple[()]) -> bool:
        return load.spare > self.retire.get(load.actor_id, 0) and load.actor_id not in keeps

    def _retire(self, giver: ActorLoad, needy: ActorLoad) -> None:
        self.retire[giver.actor_id] = self.retire.get(giver.actor_id, 0) + 1
        self._shares.add(giver, -1)
        self._shares.add(needy, 1)
