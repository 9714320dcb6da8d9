"""Many threads on several pools of connections, as rival engines have: P3 under real concurrency."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from threading import Barrier, Lock

import pytest
from sqlalchemy import func, select, update
from store.conftest import OpenStore
from store.scene import NOW, TENANT, add_actor, claim, claim_all, close, closing, later, new_message, post, status_of

from abaco.domain.execution import Claim
from abaco.domain.lifecycle import TERMINAL, ExecutionStatus
from abaco.domain.send_key import SendKey
from abaco.errors import NotFound
from abaco.ports import ClaimRequest, LogAppended, ResultSent, Store
from abaco.store.database import Database, open_database, require_url
from abaco.store.sql import SqlStore
from abaco.store.tables import logs, messages, results


def at_once(*calls: Callable[[], object]) -> None:
    """Run all calls together, each in its thread; the first exception is raised."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], object]) -> None:
        barrier.wait()
        call()

    with ThreadPoolExecutor(len(calls)) as threads:
        list(threads.map(run, calls))


def post_until_refused(store: Store, actor_id: str) -> list[str]:
    """The ids of what was accepted."""
    accepted: list[str] = []
    for number in range(20):
        try:
            post(store, f"{actor_id}-{number}", actor_id=actor_id)
        except NotFound:
            break
        accepted.append(f"{actor_id}-{number}")
    return accepted


def test_400_messages_are_claimed_exactly_once_by_rivals(store: Store, open_store: OpenStore) -> None:
    """P3"""
    add_actor(store)
    post(store, *(f"e{number}" for number in range(400)))
    claimed: list[str] = []

    def drain(rival: Store, engine: str) -> None:
        while claims := claim_all(rival, engine=engine, limit=3):
            claimed.extend(claim.execution_id for claim in claims)

    rivals = [store, store, store, open_store(), open_store(), open_store()]
    at_once(*(lambda rival=rival, n=n: drain(rival, f"engine{n % 4}") for n, rival in enumerate(rivals)))
    assert Counter(claimed) == Counter(f"e{number}" for number in range(400))
    assert store.mailbox.count("actor1") == 0


def test_a_stateful_actor_never_has_two_leases_and_keeps_its_order(store: Store, open_store: OpenStore) -> None:
    """P3, with posts arriving all the while; P4: the state is the fold of the executions."""
    add_actor(store, stateless=False, state=[])
    ids = [f"e{number}" for number in range(48)]
    running: set[str] = set()
    order: list[str] = []
    guard = Lock()

    def work(rival: Store, engine: str) -> None:
        while len(order) < len(ids):
            claimed = claim(rival, engine=engine, worker=engine, exclusive=True)
            if claimed is None:
                continue
            with guard:
                assert not running
                running.add(claimed.execution_id)
            assert rival.state.stage(claimed.execution_id, claimed.attempt, [*claimed.state, claimed.execution_id])
            with guard:
                running.remove(claimed.execution_id)
                order.append(claimed.execution_id)
            assert close(rival, claimed, engine=engine)

    def feed() -> None:
        for id_ in ids:
            post(store, id_)

    rivals = [store, store, open_store(), open_store()]
    at_once(feed, *(lambda rival=rival, n=n: work(rival, f"engine{n}") for n, rival in enumerate(rivals)))
    assert order == ids
    position = store.actors.find(TENANT, "actor1", "ada")
    assert position is not None
    assert position.actor.state == ids


def test_a_message_whose_post_commits_late_waits_for_the_one_that_runs(store: SqlStore, database: Database) -> None:
    """P3: of two concurrent posts the one numbered first may become visible last."""
    add_actor(store, "actor1", stateless=False)
    add_actor(store, "actor2", stateless=False)
    post(store, "e1", "late")
    post(store, "other", actor_id="actor2")
    running = claim(store, exclusive=True)
    assert running is not None
    with database.write() as connection:
        connection.execute(update(messages).where(messages.c.execution_id == "late").values(seq=0))
    requests = [ClaimRequest(actor_id, "w", exclusive=True, image_digest="d") for actor_id in ("actor1", "actor2")]
    assert [one.execution_id for one in store.claims.claim("engine2", requests, NOW)] == ["other"]
    assert close(store, running)
    late = claim(store, exclusive=True)
    assert late is not None
    assert late.execution_id == "late"


def test_rivals_asking_for_the_same_actors_in_any_order_never_block_each_other(
    store: Store, open_store: OpenStore
) -> None:
    """P3"""
    actor_ids = [f"a{number}" for number in range(6)]
    for actor_id in actor_ids:
        add_actor(store, actor_id, stateless=False)
        post(store, *(f"{actor_id}-{number}" for number in range(6)), actor_id=actor_id)

    def drain(rival: Store, engine: str, order: Sequence[str]) -> None:
        requests = [ClaimRequest(actor_id, f"{engine}-{actor_id}", True, "d") for actor_id in order]
        while any(store.mailbox.count(actor_id) for actor_id in actor_ids):
            for claimed in rival.claims.claim(engine, requests, NOW):
                assert close(rival, claimed, engine=engine)

    other = open_store()
    at_once(
        lambda: drain(store, "engine1", actor_ids),
        lambda: drain(other, "engine2", actor_ids[::-1]),
        lambda: drain(other, "engine3", actor_ids[3:] + actor_ids[:3]),
    )
    for actor_id in actor_ids:
        finished = store.executions.of_actor(actor_id)
        assert [execution.status for execution in finished] == [ExecutionStatus.COMPLETE] * 6


def flood(url: str, stop: Event) -> None:
    """What a busy API process does."""
    database = open_database(require_url(url))
    numbers = count()
    while not stop.is_set():
        post(SqlStore(database), *(f"e{next(numbers)}" for _ in range(100)))
    database.close()


def test_a_flood_of_posts_does_not_starve_another_process(store: Store, database_url: str) -> None:
    """Each gets its turn: what counts is how many posts went first, not how long that took."""
    add_actor(store)
    spawn = get_context("spawn")
    stop = spawn.Event()
    flooding = spawn.Process(target=flood, args=(database_url, stop))
    flooding.start()
    try:
        overtaken = []
        while store.mailbox.count("actor1") < 10_000:
            before = store.mailbox.count("actor1")
            store.state.put("actor1", before)
            overtaken.append((store.mailbox.count("actor1") - before) // 100)
    finally:
        stop.set()
        flooding.join()
    assert flooding.exitcode == 0
    assert max(overtaken) < 20


def test_an_engine_given_up_by_mistake_may_close_while_it_is_reclaimed(store: Store, open_store: OpenStore) -> None:
    """P2, P4: each message either closes or goes back, whoever comes first; nobody fails."""
    add_actor(store)
    other = open_store()
    for round_ in range(12):
        post(store, *(f"e{round_}-{number}" for number in range(25)))
        claims = claim_all(store)
        closed: list[bool] = []
        reclaimed: list[str] = []
        at_once(
            lambda: closed.extend(store.executions.close("engine1", [closing(c, "log") for c in claims[::-1]], NOW)),  # noqa: B023
            lambda: store.logs.append([LogAppended(c.execution_id, c.attempt, "x") for c in claims[::-1]]),  # noqa: B023
            lambda: reclaimed.extend(other.claims.reclaim("engine1", NOW, max_attempts=5)),  # noqa: B023
        )
        assert closed.count(True) + len(reclaimed) == len(claims)
        for claimed in claims:
            expected = ExecutionStatus.SUBMITTED if claimed.execution_id in reclaimed else ExecutionStatus.COMPLETE
            assert status_of(store, claimed.execution_id) is expected
            assert (store.logs.find(claimed.execution_id, NOW) == "") == (claimed.execution_id in reclaimed)
        store.mailbox.purge("actor1", NOW)


def test_posts_to_many_actors_and_the_landing_of_their_states_do_not_block_each_other(
    store: Store, open_store: OpenStore
) -> None:
    """P1: a group commit holds several actors at once, and so does a group of closings."""
    actor_ids = [f"a{number}" for number in range(8)]
    for actor_id in actor_ids:
        add_actor(store, actor_id, stateless=False)
    other = open_store()

    def claims_with_state(round_: int) -> list[Claim]:
        requests = [ClaimRequest(actor_id, actor_id, True, "d") for actor_id in reversed(actor_ids)]
        claims = store.claims.claim("engine1", requests, NOW)
        for claimed in claims:
            assert store.state.stage(claimed.execution_id, claimed.attempt, round_)
        return claims

    for round_ in range(12):
        store.mailbox.add([new_message(f"{actor_id}-{round_}", actor_id) for actor_id in actor_ids])
        claims = claims_with_state(round_)
        assert len(claims) == len(actor_ids)
        more = [new_message(f"{actor_id}-more-{round_}", actor_id) for actor_id in actor_ids]
        at_once(
            lambda: store.executions.close("engine1", [closing(one) for one in claims], NOW),  # noqa: B023
            lambda: other.mailbox.add(more),  # noqa: B023
        )
        for actor_id in actor_ids:
            store.mailbox.purge(actor_id, NOW)
            position = store.actors.find(TENANT, actor_id, "ada")
            assert position is not None
            assert position.actor.state == round_


def test_a_post_racing_with_the_deletion_is_refused_or_ends(store: Store, open_store: OpenStore) -> None:
    """P2: no message is ever left behind in a deleted actor's mailbox."""
    other = open_store()
    for round_ in range(15):
        actor_id = f"a{round_}"
        add_actor(store, actor_id)
        accepted: list[str] = []
        at_once(
            lambda: accepted.extend(post_until_refused(other, actor_id)),  # noqa: B023
            lambda: store.actors.begin_delete(TENANT, actor_id, NOW),  # noqa: B023
        )
        assert [execution.id for execution in store.executions.of_actor(actor_id)] == accepted
        assert {execution.status for execution in store.executions.of_actor(actor_id)} <= TERMINAL
        with pytest.raises(NotFound):
            post(store, f"{actor_id}-late", actor_id=actor_id)
    assert store.actors.finish_deletes() == 15


def test_nothing_a_container_says_while_its_actor_is_deleted_is_left_behind(
    store: SqlStore, database: Database, open_store: OpenStore
) -> None:
    """P6"""
    other = open_store()
    for round_ in range(15):
        actor_id, id_ = f"a{round_}", f"e{round_}"
        add_actor(store, actor_id)
        post(store, id_, actor_id=actor_id)
        assert claim(store, actor_id)
        at_once(
            lambda: other.logs.append([LogAppended(id_, 1, "x")] * 3),  # noqa: B023
            lambda: other.results.append([ResultSent(id_, 1, b"x")] * 3, later(days=1)),  # noqa: B023
            lambda: store.actors.begin_delete(TENANT, actor_id, NOW),  # noqa: B023
        )
    with database.read() as connection:
        for table in (logs, results):
            assert connection.execute(select(func.count()).select_from(table)).scalar_one() == 0


def test_of_rivals_with_the_same_keys_one_each_posts(store: Store, open_store: OpenStore) -> None:
    """Each sends 20 messages in its own order; whoever comes second learns of the first one's execution."""
    add_actor(store)
    told: list[tuple[str, str]] = []

    def send(rival: Store, name: str, order: int) -> None:
        keys = [f"{number:02}" for number in range(20)][::order]
        for some in (keys[:10], keys[10:]):
            messages = [new_message(f"{name}-{key}", key=SendKey(key, "content")) for key in some]
            others = rival.mailbox.add(messages)
            for key in some:
                id_ = f"{name}-{key}"
                told.append((key, others[id_].execution_id if id_ in others else id_))

    rivals = [store, store, open_store(), open_store()]
    at_once(*(lambda rival=rival, n=n: send(rival, f"r{n}", (-1) ** n) for n, rival in enumerate(rivals)))
    executions = {execution.id for execution in store.executions.of_actor("actor1")}
    assert len(executions) == store.mailbox.count("actor1") == 20
    assert len(told) == 80
    assert {execution_id for _, execution_id in told} == executions
    assert len(set(told)) == 20
