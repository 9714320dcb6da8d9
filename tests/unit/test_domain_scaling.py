"""Who gets a worker: by example, and by invariants that hold for any snapshot."""

from random import Random

import pytest

from abaco.domain.scaling import ActorLoad, Decisions, plan


def load(actor_id: str, wanted: int, tenant: str = "t", limit: int = 20, **supply: int) -> ActorLoad:
    return ActorLoad(actor_id, tenant, limit, wanted, **supply)


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


def test_everybodys_first_worker_comes_before_anybodys_second() -> None:
    crowd = [load(f"c{n}", 100, "crowd") for n in range(3)]
    assert plan([load("s", 100, "single"), *crowd], 4).start == {"s": 1, "c0": 1, "c1": 1, "c2": 1}


def test_the_needy_get_a_place_from_an_unneeded_idle_worker() -> None:
    assert plan([load("rich", 0, busy=5), load("idle", 0, idle=1), load("needy", 1)], 6).retire == {"idle": 1}


def test_the_needy_get_a_place_from_whoever_holds_the_most() -> None:
    assert plan([load("a", 9, busy=3), load("b", 9, busy=2), load("needy", 1)], 5).retire == {"a": 1}


def test_nobody_is_robbed_of_the_only_worker_that_works() -> None:
    assert plan([load("a", 9, busy=1), load("b", 9, busy=1), load("needy", 1)], 2) == Decisions()


def test_a_backlog_gets_the_places_of_unneeded_idle_workers() -> None:
    assert plan([load("a", 0, idle=2), load("b", 9, busy=1), load("c", 0, busy=1)], 4).retire == {"a": 2}


def test_who_has_a_worker_waits_for_a_free_place() -> None:
    assert plan([load("a", 0, busy=4), load("b", 9, busy=1)], 5) == Decisions()


def test_places_go_round_until_everybody_is_served() -> None:
    """A tenant's backlog and the crowd of another's actors settle: nobody starves, nobody is retired for ever."""
    workers = {"s": 4, "c0": 0, "c1": 0, "c2": 0}
    for _ in range(8):
        loads = [load(a, 100, "single" if a == "s" else "crowd", busy=held) for a, held in workers.items()]
        decisions = plan(loads, 4)
        for actor_id, number in decisions.start.items():
            workers[actor_id] += number
        for actor_id, number in decisions.retire.items():
            workers[actor_id] -= number
    assert workers == {"s": 1, "c0": 1, "c1": 1, "c2": 1}
    assert decisions == Decisions()


def a_snapshot(random: Random) -> tuple[list[ActorLoad], int]:
    loads = [
        ActorLoad(
            actor_id=f"a{number}",
            tenant=f"t{random.randrange(3)}",
            limit=random.choice([1, 2, 20]),
            wanted=random.choice([0, 0, 1, 2, 9, 100]),
            idle=random.choice([0, 0, 1, 2]),
            busy=random.choice([0, 0, 1, 4]),
            starting=random.choice([0, 0, 1]),
        )
        for number in range(random.randrange(8))
    ]
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
    """Whoever got more than a first worker leaves nobody behind who is poorer by more than that one."""
    held = {one.actor_id: one.workers + decisions.start.get(one.actor_id, 0) for one in loads}
    total = {one.tenant: sum(held[o.actor_id] for o in loads if o.tenant == one.tenant) for one in loads}
    lacking = [one for one in loads if one.lacking > decisions.start.get(one.actor_id, 0)]
    for rich in (one for one in loads if one.actor_id in decisions.start and held[one.actor_id] > 1):
        for poor in lacking:
            assert held[poor.actor_id] > 0
            assert total[rich.tenant] <= total[poor.tenant] + 1
            if rich.tenant == poor.tenant:
                assert held[rich.actor_id] <= held[poor.actor_id] + 1


def require_room(loads: list[ActorLoad], decisions: Decisions) -> None:
    """Places are made of idle workers that nobody needs, and of busy ones only for actors in need of a first."""
    needy = [one for one in loads if one.lacking and not one.workers and one.actor_id not in decisions.start]
    lacking = sum(one.lacking - decisions.start.get(one.actor_id, 0) for one in loads)
    unneeded = sum(max(0, one.idle - one.wanted) for one in loads)
    made = sum(decisions.retire.values())
    assert made >= min(lacking, unneeded)
    assert made <= max(min(lacking, unneeded), len(needy))
    by_actor = {one.actor_id: one for one in loads}
    for actor_id, number in decisions.retire.items():
        giver = by_actor[actor_id]
        assert actor_id not in decisions.start
        assert number <= giver.idle - giver.wanted or number < giver.workers
    spare = sum(max(0, one.idle - one.wanted) + max(0, one.workers - 1) for one in loads)
    if needy and spare:
        assert decisions.retire
