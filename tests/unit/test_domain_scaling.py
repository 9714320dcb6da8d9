"""Who gets a worker: by example, and by invariants that hold for any snapshot."""

from collections import Counter
from dataclasses import replace
from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abaco.domain.scaling import ActorLoad, Decisions, groups, plan


def load(actor_id: str, wanted: int, tenant: str = "t", owner: str = "o", limit: int = 20, **more: Any) -> ActorLoad:
    return ActorLoad(actor_id, tenant, owner, limit, wanted, **more)


def test_nothing_is_wanted_nothing_is_done() -> None:
    assert plan([], 10) == Decisions()
    assert plan([load("a", 0, idle=2), load("b", 0, busy=3)], 10) == Decisions()


def test_workers_are_started_up_to_the_messages_that_wait() -> None:
    assert plan([load("a", 3)], 10).start == {"a": 3}


def test_idle_and_starting_workers_are_counted_on_and_busy_ones_are_not() -> None:
    assert plan([load("a", 3, idle=1, starting=1, busy=5)], 20).start == {"a": 1}


@pytest.mark.parametrize("busy", [0, 1])
def test_a_stateful_actor_has_one_worker(busy: int) -> None:
    """P3"""
    assert plan([load("a", 9, limit=1, busy=busy)], 20).start == ({} if busy else {"a": 1})


def test_a_backlog_shares_with_another_actor_of_its_tenant() -> None:
    assert plan([load("a", 100), load("b", 100)], 10).start == {"a": 5, "b": 5}
    assert plan([load("a", 100), load("b", 2)], 10).start == {"a": 8, "b": 2}


def test_a_tenant_with_many_actors_gets_no_more_than_one_with_few() -> None:
    crowd = [load(f"c{n}", 100, "crowd") for n in range(3)]
    start = plan([*crowd, load("s", 100, "single")], 12).start
    assert start["s"] == 6
    assert sum(start.values()) == 12


def test_an_owner_with_many_actors_gets_no_more_than_one_with_few() -> None:
    crowd = [load(f"c{n}", 100, owner="crowd") for n in range(50)]
    start = plan([*crowd, load("s", 100, owner="single")], 12).start
    assert start["s"] == 6
    assert sum(start.values()) == 12


def test_everybodys_first_worker_comes_before_anybodys_second() -> None:
    crowd = [load(f"c{n}", 100) for n in range(3)]
    assert plan([load("s", 100), *crowd], 4).start == {"s": 1, "c0": 1, "c1": 1, "c2": 1}


def test_among_equals_the_place_is_for_who_has_waited_longest() -> None:
    waiting = [
        load("a", 1, "t1", since=(5, 6, 7)),
        load("b", 1, "t2", since=(2, 3, 9)),
        load("c", 1, "t3", since=(4, 1, 1)),
    ]
    assert plan(waiting, 1).start == {"b": 1}
    waiting = [load("a", 1, since=(1, 2, 7)), load("b", 1, since=(1, 2, 5))]
    assert plan(waiting, 1).start == {"b": 1}


def test_the_needy_get_a_place_from_an_unneeded_idle_worker() -> None:
    assert plan([load("rich", 0, busy=5), load("idle", 0, idle=1), load("needy", 1)], 6).retire == {"idle": 1}


def test_the_needy_get_a_place_from_whoever_holds_the_most() -> None:
    assert plan([load("a", 9, busy=3), load("b", 9, busy=2), load("needy", 1)], 5).retire == {"a": 1}


def test_of_an_owners_actors_the_one_whose_worker_starts_for_no_message_loses_its_place_first() -> None:
    rich = [load("a", 9, owner="rich", busy=3), load("b", 1, owner="rich", starting=1, early=1)]
    needy = load("needy", 1, owner="poor")
    assert plan([*rich, needy], 4).retire == {"b": 1}
    assert plan([rich[0], replace(rich[1], early=0), needy], 4).retire == {"a": 1}
    # Who holds more comes first all the same.
    other = load("c", 9, owner="richer", busy=5)
    assert plan([*rich, other, needy], 9).retire == {"c": 1}


def test_nobody_is_robbed_of_the_only_worker_that_works_before_it_had_its_turn() -> None:
    assert plan([load("a", 9, busy=1), load("b", 9, busy=1), load("needy", 1)], 2) == Decisions()
    assert plan([load("a", 9, busy=1), load("b", 9, busy=1, had_turn=True), load("needy", 1)], 2).retire == {"b": 1}


def test_an_owners_many_actors_make_room_for_anothers_only_one() -> None:
    crowd = [load(f"c{n}", 9, owner="crowd", busy=1) for n in range(4)]
    assert sum(plan([*crowd, load("s", 1, owner="single")], 4).retire.values()) == 1
    # Two against two is fair, and within an owner one's first worker is as good as another's.
    assert plan([*crowd[:2], load("s", 9, owner="single", busy=2), load("c9", 1, owner="crowd")], 4) == Decisions()


def test_who_leaves_already_makes_room_for_the_first_in_the_line() -> None:
    crowd = [load("c0", 9, owner="crowd", busy=2, leaving=1)]
    needy = load("s", 1, owner="single")
    assert plan([*crowd, needy], 3) == Decisions()
    assert plan([*crowd, needy, load("t", 1, owner="third")], 3).retire == {"c0": 1}


class TestDevices:
    def test_have_one_worker_at_a_time(self) -> None:
        gpu = frozenset({"gpu=0"})
        first, second = load("a", 9, limit=1, devices=gpu), load("b", 9, limit=1, devices=gpu, since=(0, 0, 1))
        other = load("c", 9, limit=1, devices=frozenset({"gpu=1"}))
        assert plan([first, second, other], 10) == Decisions({"a": 1, "c": 1})

    def test_are_given_up_by_idle_workers_at_once_and_by_busy_ones_after_their_turn(self) -> None:
        gpu = frozenset({"gpu=0"})
        needy = load("needy", 1, limit=1, devices=gpu)
        assert plan([load("a", 0, limit=1, idle=1, devices=gpu), needy], 10).retire == {"a": 1}
        busy = load("a", 9, limit=1, busy=1, devices=gpu)
        assert plan([busy, needy], 10) == Decisions()
        assert plan([replace(busy, had_turn=True), needy], 10).retire == {"a": 1}
        assert plan([replace(busy, busy=0, leaving=1), needy], 10) == Decisions()

    def test_are_kept_for_the_first_in_the_line_until_it_can_have_them_all(self) -> None:
        both = load("both", 1, limit=1, devices=frozenset({"gpu=0", "gpu=1"}))
        holder = load("holder", 9, limit=1, busy=1, devices=frozenset({"gpu=0"}))
        late = load("late", 9, limit=1, devices=frozenset({"gpu=1"}), since=(0, 0, 1))
        assert plan([holder, both, late], 10) == Decisions()

    def test_do_not_keep_others_from_free_places(self) -> None:
        gpu = frozenset({"gpu=0"})
        holder, needy = load("holder", 9, limit=1, busy=1, devices=gpu), load("needy", 1, limit=1, devices=gpu)
        assert plan([holder, needy, load("plain", 2)], 10).start == {"plain": 2}

    def test_that_somebody_leaves_with_or_has_just_got_are_no_reason_to_make_places(self) -> None:
        gpu = frozenset({"gpu=0"})
        first, second = [load(f"n{n}", 1, owner=f"o{n}", limit=1, devices=gpu, since=(1, n, n)) for n in range(2)]
        plain = load("plain", 9, owner="p", busy=1, had_turn=True)
        holder = load("holder", 0, limit=1, leaving=1, owner="h", devices=gpu)
        assert plan([holder, first, second, plain], 2) == Decisions()
        assert plan([first, second, plain], 2) == Decisions({"n0": 1})
        # One place for the two of them, none if the device is kept for somebody who needs another as well.
        assert plan([first, second, replace(plain, busy=2)], 2).retire == {"plain": 1}
        other = load("other", 0, limit=1, busy=1, owner="h", devices=frozenset({"gpu=1"}))
        both = replace(first, devices=gpu | other.devices)
        assert plan([other, both, second, replace(plain, wanted=0, busy=0, idle=1)], 2) == Decisions()

    def test_of_its_own_are_no_reason_to_retire_a_worker(self) -> None:
        gpu = frozenset({"gpu=0"})
        assert plan([load("a", 0, limit=1, idle=1, requested=2, devices=gpu)], 10) == Decisions()


def test_a_backlog_gets_the_places_of_unneeded_idle_workers() -> None:
    assert plan([load("a", 0, idle=2), load("b", 9, busy=1), load("c", 0, busy=1)], 4).retire == {"a": 2}


def test_who_has_a_worker_gets_the_place_of_one_that_has_two_more() -> None:
    assert plan([load("a", 9, "t1", busy=15), load("b", 9, "t2", busy=1)], 16).retire == {"a": 7}
    assert plan([load("a", 9, owner="rich", busy=3), load("b", 9, owner="poor", busy=1)], 4).retire == {"a": 1}
    assert plan([load("a", 9, busy=4), load("b", 9, busy=2)], 6).retire == {"a": 1}
    for had_turn in (False, True):
        few = [load("a", 9, "t1", busy=3, had_turn=had_turn), load("b", 9, "t2", busy=2, had_turn=had_turn)]
        assert plan(few, 5) == Decisions()


def test_an_actor_that_may_have_no_use_for_more_gets_one_place_of_others_only() -> None:
    rich, new = load("a", 9, "t1", busy=4), load("b", 9, "t2", modest=True)
    assert plan([rich, new], 4).retire == {"a": 1}
    assert plan([replace(rich, busy=3), replace(new, starting=1)], 4) == Decisions()
    assert plan([replace(rich, busy=3), replace(new, starting=1, modest=False)], 4).retire == {"a": 1}
    assert plan([replace(rich, busy=3), new], 6).start == {"b": 3}


def test_what_a_tenant_lacks_is_taken_by_turns_not_by_its_first_rival_alone() -> None:
    """Else the second rival's places came from the first giver as well, which would lose more than is due."""
    poor = [load("b", 99, "t2", since=(1, 1, 1)), load("c", 99, "t3", since=(2, 2, 2))]
    assert plan([load("a", 99, "t1", busy=15), *poor], 15).retire == {"a": 10}


class Queue:
    """Actors that always have messages, in a queue whose executions all end in every round."""

    def __init__(self, random: Random, places: int) -> None:
        self.random = random
        self.places = places
        self.names: list[tuple[str, str, str]] = []
        self.ages: dict[str, list[int]] = {}
        self.leaving: Counter[str] = Counter()
        self.since: dict[tuple[str, ...], int] = {}
        self.clock = count()

    def add(self, tenant: str, owner: str, actor_id: str) -> None:
        self.names.append((actor_id, tenant, owner))

    def run(self) -> set[str]:
        """One round; whose messages were worked on."""
        # Ended, so those who were to leave are gone.
        for actor_id in self.ages:
            self.ages[actor_id] = sorted(self.ages[actor_id])[: len(self.ages[actor_id]) - self.leaving[actor_id]]
        self.leaving.clear()
        decisions = plan([self.load(*name) for name in self.names], self.places)
        self.leaving.update(decisions.retire)
        for actor_id, tenant, owner in self.names:
            self.ages.setdefault(actor_id, []).extend([0] * decisions.start.get(actor_id, 0))
            if actor_id in decisions.start or actor_id in decisions.retire:
                self.since.update(dict.fromkeys(groups(tenant, owner, actor_id), next(self.clock)))
        assert sum(map(len, self.ages.values())) <= self.places
        self.ages = {actor_id: [age + 1 for age in ages] for actor_id, ages in self.ages.items() if ages}
        return set(self.ages)

    def load(self, actor_id: str, tenant: str, owner: str) -> ActorLoad:
        ages = self.ages.get(actor_id, [])
        return load(
            actor_id,
            100,
            tenant,
            owner,
            busy=len(ages),
            had_turn=any(age > 1 for age in ages),
            since=tuple(self.since.setdefault(g, next(self.clock)) for g in groups(tenant, owner, actor_id)),
        )


@pytest.mark.parametrize("seed", range(6))
def test_everybody_gets_a_place_again_and_again(seed: int) -> None:
    """However many tenants, owners and actors have messages without end, and while more of them come."""
    random = Random(seed)
    queue = Queue(random, places=random.choice([1, 2, 5]))
    for number in range(20):
        queue.add(f"t{random.randrange(3)}", f"o{random.randrange(4)}", f"a{number}")
    last = dict.fromkeys((name for name, _, _ in queue.names), 0)
    for now in range(1, 600):
        if now % 10 == 0 and now < 200:
            queue.add("t0", "o0", f"late{now}")
            last[f"late{now}"] = now
        last.update(dict.fromkeys(queue.run(), now))
        # Whose tenant has all these late-comers shares its place with them, and with nobody else's.
        waited = {name: now - last[name[0]] for name in queue.names}
        for (actor_id, tenant, owner), rounds in waited.items():
            rivals = len({t for _, t, _ in queue.names}) * len({o for _, t, o in queue.names if t == tenant})
            rivals *= len({a for a, t, o in queue.names if (t, o) == (tenant, owner)})
            assert rounds <= 4 * rivals + 10, (actor_id, tenant, owner, rounds, rivals)


def test_one_message_among_thousands_of_actors_waits_for_one_turn_only() -> None:
    queue = Queue(Random(1), places=4)
    for number in range(2000):
        queue.add("t", "crowd", f"a{number}")
    queue.run()
    queue.add("t", "other", "single")
    assert "single" in queue.run() | queue.run()


_ACTORS = st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(1, 20), st.integers(0, 40), st.integers(0, 9))


class Endless:
    """Actors of which each could use so many workers for ever. Who is to leave does so when chance wills it."""

    def __init__(self, loads: list[ActorLoad], capacity: int, random: Random) -> None:
        self.loads = loads
        self.capacity = capacity
        self.random = random

    def round(self) -> Decisions:
        decisions = plan(self.loads, self.capacity)
        self.loads = [self._after(one, decisions) for one in self.loads]
        assert sum(one.workers for one in self.loads) <= self.capacity
        return decisions

    def _after(self, one: ActorLoad, decisions: Decisions) -> ActorLoad:
        started, retired = (of.get(one.actor_id, 0) for of in (decisions.start, decisions.retire))
        gone = self.random.randint(0, one.leaving)
        return replace(
            one,
            busy=one.busy + started - retired,
            wanted=one.wanted - started + retired,
            leaving=one.leaving + retired - gone,
        )

    def require_settled(self) -> None:
        """Within as many retirements as there are places nobody has a reason to take anything from anybody."""
        retired, quiet = 0, 0
        while quiet < 3:
            decisions = self.round()
            retired += sum(decisions.retire.values())
            assert retired <= self.capacity
            leaving = sum(one.leaving for one in self.loads)
            quiet = quiet + 1 if not leaving and decisions == Decisions() else 0

    def require_even(self) -> None:
        held: Counter[tuple[str, ...]] = Counter()
        for one in self.loads:
            for group in groups(one.tenant, one.owner, one.actor_id):
                held[group] += one.workers
        for poor in (one for one in self.loads if one.lacking):
            assert sum(one.workers for one in self.loads) == self.capacity
            for rich in (one for one in self.loads if one.workers):
                pair = zip(*(groups(one.tenant, one.owner, one.actor_id) for one in (poor, rich)), strict=True)
                mine, theirs = next(((mine, theirs) for mine, theirs in pair if mine != theirs), (("",), ("",)))
                assert held[theirs] - held[mine] <= 1


@settings(deadline=None, database=None, derandomize=True)
@given(st.lists(_ACTORS, max_size=12), st.integers(1, 30), st.randoms(use_true_random=False))
def test_shares_become_even_and_then_nothing_changes(
    actors: list[tuple[int, int, int, int, int]], capacity: int, random: Random
) -> None:
    loads, free = [], capacity
    for number, (tenant, owner, limit, demand, wish) in enumerate(actors):
        busy = min(wish, free, limit, demand)
        free -= busy
        loads.append(load(f"a{number}", demand - busy, f"t{tenant}", f"o{owner}", limit, busy=busy))
    endless = Endless(loads, capacity, random)
    endless.require_settled()
    endless.require_even()


@settings(deadline=None, database=None, derandomize=True)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=8), st.integers(0, 20), st.randoms(use_true_random=False))
def test_tenants_that_had_their_turn_settle_as_well(held: list[int], free: int, random: Random) -> None:
    """Turns are for actors without any worker, which are none where there are places for all."""
    loads = [load(f"a{n}", 99, f"t{n}", limit=99, busy=busy, had_turn=True) for n, busy in enumerate(held)]
    endless = Endless(loads, max(len(held), sum(held) + free), random)
    endless.require_settled()
    endless.require_even()


class Watched(str):
    """An owner's name that counts how often it is looked up or compared."""

    __slots__ = ()
    looks = 0

    def __hash__(self) -> int:
        Watched.looks += 1
        return super().__hash__()

    def __eq__(self, other: object) -> bool:
        Watched.looks += 1
        return super().__eq__(other)


@pytest.mark.parametrize("places", [0, 64], ids=["full", "free"])
@pytest.mark.parametrize("devices", [frozenset(), frozenset({"gpu=0"})], ids=["plain", "devices"])
def test_a_plan_for_twice_as_many_takes_twice_as_long(places: int, devices: frozenset[str]) -> None:
    looks = []
    for number in (1000, 2000):
        crowd = [load(f"a{n}", 9, owner=Watched(n), since=(1, n, n), devices=devices) for n in range(number)]
        rich = load("rich", 99, "rich", owner=Watched("rich"), limit=99, busy=64, had_turn=True)
        Watched.looks = 0
        plan([*crowd, rich], 64 + places)
        looks.append(Watched.looks)
    assert looks[1] < 2.2 * looks[0]
    assert looks[1] < 60 * 2000


def a_snapshot(random: Random) -> tuple[list[ActorLoad], int]:
    loads = []
    since: dict[tuple[str, ...], int] = {}
    for number in range(random.randrange(8)):
        names = f"t{random.randrange(3)}", f"o{random.randrange(3)}", f"a{number}"
        one = load(
            names[2],
            random.choice([0, 0, 1, 2, 9, 100]),
            names[0],
            names[1],
            limit=random.choice([1, 2, 20]),
            idle=random.choice([0, 0, 1, 2]),
            busy=random.choice([0, 0, 1, 4]),
            starting=random.choice([0, 0, 1]),
            leaving=random.choice([0, 0, 0, 1]),
            had_turn=random.choice([False, True]),
            since=tuple(since.setdefault(group, random.randrange(1000)) for group in groups(*names)),
        )
        loads.append(one)
    return loads, random.randrange(25)


@pytest.mark.parametrize("seed", range(20))
def test_invariants_hold_for_any_snapshot(seed: int) -> None:
    random = Random(seed)
    for _ in range(100):
        loads, capacity = a_snapshot(random)
        decisions = plan(loads, capacity)
        require_limits(loads, capacity, decisions)
        require_fairness(loads, decisions)
        require_room(loads, decisions)


def require_limits(loads: list[ActorLoad], capacity: int, decisions: Decisions) -> None:
    """Neither the capacity nor anybody's limit is exceeded, and no place stays free that somebody lacks."""
    held = sum(one.workers for one in loads)
    started = sum(decisions.start.values())
    assert started <= max(0, capacity - held)
    assert all(number > 0 for number in [*decisions.start.values(), *decisions.retire.values()])
    by_actor = {one.actor_id: one for one in loads}
    assert all(number <= by_actor[actor_id].lacking for actor_id, number in decisions.start.items())
    if started < sum(one.lacking for one in loads):
        assert held + started >= capacity


def require_fairness(loads: list[ActorLoad], decisions: Decisions) -> None:
    """Whoever got a place leaves nobody behind whose tenant, owner or actor (the first to differ) has fewer."""
    held: Counter[tuple[str, ...]] = Counter()
    for one in loads:
        for group in groups(one.tenant, one.owner, one.actor_id):
            held[group] += one.staying + decisions.start.get(one.actor_id, 0)
    lacking = [one for one in loads if one.needed > decisions.start.get(one.actor_id, 0)]
    for rich in (one for one in loads if one.actor_id in decisions.start):
        for poor in lacking:
            pairs = zip(
                groups(rich.tenant, rich.owner, rich.actor_id),
                groups(poor.tenant, poor.owner, poor.actor_id),
                strict=True,
            )
            differing = next(((r, p) for r, p in pairs if r != p), None)
            if differing is not None:
                assert held[differing[0]] <= held[differing[1]] + 1


def require_room(loads: list[ActorLoad], decisions: Decisions) -> None:
    """Places are made of idle workers that nobody needs first, and never more than are lacking."""
    lacking = sum(one.lacking - decisions.start.get(one.actor_id, 0) for one in loads)
    going = sum(one.leaving for one in loads)
    unneeded = sum(one.spare for one in loads)
    made = sum(decisions.retire.values())
    assert made >= min(max(0, lacking - going), unneeded)
    assert made <= lacking
    by_actor = {one.actor_id: one for one in loads}
    for actor_id, number in decisions.retire.items():
        giver = by_actor[actor_id]
        assert number <= giver.spare or actor_id not in decisions.start
        assert number <= giver.staying
