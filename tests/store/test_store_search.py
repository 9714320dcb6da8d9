"""Searching: both databases find what the domain says, and nobody finds what they may not see."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import Connection, event
from store.scene import NOW, TENANT, add_actor, claim, closing, later, post

from abaco.domain.execution import Claim
from abaco.domain.lifecycle import WorkerStatus
from abaco.domain.permission import WORLD, Level
from abaco.domain.search import Collection, parse_query
from abaco.domain.search_match import passes, textual
from abaco.domain.worker import Worker
from abaco.errors import InvalidInput, Unavailable
from abaco.ports import FoundLog, LogAppended, PlacedWorker, SearchPage, SearchScope
from abaco.store.database import Database
from abaco.store.search import Searches
from abaco.store.sql import SqlStore

ACTORS, EXECUTIONS, WORKERS, LOGS = Collection


def search(
    store: SqlStore,
    collection: Collection,
    *pairs: tuple[str, str],
    user: str = "ada",
    tenant: str = TENANT,
    **scope: Any,
) -> SearchPage:
    asked = SearchScope(collection, tenant, user, default_token=False, **scope)
    return store.searches.find(asked, parse_query(pairs, 1000), scope.get("now", NOW))


def ids(page: SearchPage) -> list[str]:
    return [
        found.execution_id
        if isinstance(found, FoundLog)
        else (found.worker if isinstance(found, PlacedWorker) else found).id
        for found in page.found
    ]


def found(store: SqlStore, collection: Collection, *pairs: tuple[str, str], **asked: Any) -> list[str]:
    return ids(search(store, collection, *pairs, **asked))


def run(
    store: SqlStore,
    execution_id: str,
    log: str = "",
    actor_id: str = "actor1",
    lifetime_seconds: int = 3600,
    **ended: Any,
) -> None:
    """Post a message and see it through."""
    post(store, execution_id, actor_id=actor_id)
    finish(store, claimed(store, actor_id), log, lifetime_seconds, **ended)


def claimed(store: SqlStore, actor_id: str = "actor1") -> Claim:
    taken = claim(store, actor_id)
    assert taken is not None
    return taken


def finish(store: SqlStore, taken: Claim, log: str = "", lifetime_seconds: int = 3600, **ended: Any) -> None:
    end = closing(taken, log, lifetime_seconds, **ended)
    assert store.executions.close("engine1", [end], NOW) == [True]


# --- conditions ---

STATE = {
    "count": 5,
    "half": 2.5,
    "on": True,
    "text": "abc",
    "nothing": None,
    "list": [1, "two", {"three": 3}],
    "deep": {"er": {"est": "x"}},
    "quo\"te'": "it's",
    "big": 12345678901234567890123,
    "nul": ["a", "b"],
}
CONDITIONS = [
    *[("count", "5.0"), ("count", '"5"'), ("count", "true"), ("count.neq", "5"), ("count.gt", "4"), ("count.gte", "5")],
    *[("count.gt", "5"), ("count.lt", "5.5"), ("count.lt", '"9"'), ("count.between", "5,6"), ("count.in", "[1, 5]")],
    *[("count.nin", "[1, 5]"), ("count.like", "5"), ("count.nlike", "5"), ("half.gt", "2"), ("half", "2.50")],
    *[("on", "true"), ("on", "1"), ("on.gt", "0"), ("on.gt", "false"), ("on.neq", "false"), ("text", "abc")],
    *[("text.gt", "abb"), ("text.gt", "1"), ("text.lte", "abc"), ("text.like", "b"), ("text.like", "^a.c$")],
    *[("text.nlike", "b"), ("text.nlike", "z|y"), ("nothing", "none"), ("nothing.neq", "none"), ("nothing.lt", "1")],
    *[("absent", "none"), ("absent.neq", "none"), ("absent.neq", "1"), ("absent.nin", "[1]"), ("absent.in", "[null]")],
    *[("absent.nlike", "a"), ("absent.lt", "1"), ("list", "1"), ("list", "two"), ("list", "3"), ("list.neq", "two")],
    *[("list", '[1, "two", {"three": 3.0}]'), ("list", '["two", 1]'), ("list", '{"three": 3}'), ("list.like", "^tw")],
    *[("list.gt", "0"), ("list.0", "1"), ("list.-1.three", "3"), ("list.2.three", "3"), ("list.3", "none")],
    *[("deep.er.est", "x"), ("deep", '{"er": {"est": "x"}}'), ("deep.er", "x"), ("text.0", "a"), ("list.in", "[]")],
    *[("quo\"te'", "it's"), ("quo\"te'.like", "'"), ("big.gt", "1e22"), ("big.lt", "1e22"), ("count.lt", "1e300")],
    *[("x'); DROP TABLE actors; --", "none"), ("$[0]", "none"), ("{a,b}", "1"), ("list.01.x", "1"), ("%s", "none")],
]


@pytest.mark.parametrize(("key", "text"), CONDITIONS)
def test_conditions_on_json_mean_what_the_domain_says(store: SqlStore, key: str, text: str) -> None:
    add_actor(store, state=STATE, stateless=False)
    pair = (f"state.{key}", text)
    (condition,) = parse_query([pair], 10).conditions
    meant = passes(STATE, condition.path[1:], textual(condition.test)) is not condition.negated
    assert found(store, ACTORS, pair) == (["actor1"] if meant else [])


@pytest.mark.parametrize(
    ("collection", "key", "text", "expected"),
    [
        (ACTORS, "image", "abacosamples/test", True),
        (ACTORS, "image", "'abacosamples/test'", True),
        (ACTORS, "image.neq", "abacosamples/test", False),
        (ACTORS, "image.like", "samples", True),
        (ACTORS, "image.like", "^abaco[a-z]+/t.st$", True),
        (ACTORS, "image.nlike", "Samples", True),
        (ACTORS, "image.like", "(?i)SAMPLES", True),
        (ACTORS, "image.gt", "abacos", True),
        (ACTORS, "image.lt", "ZZZ", False),
        (ACTORS, "image.gt", "5", False),
        (ACTORS, "image", "5", False),
        (ACTORS, "image.in", '["a", 5, "abacosamples/test"]', True),
        (ACTORS, "image.nin", '["a", 5]', True),
        (ACTORS, "image.deeper", "x", False),
        (ACTORS, "image.deeper", "none", True),
        (ACTORS, "name", "none", True),
        (ACTORS, "name.neq", "none", False),
        (ACTORS, "name.neq", "x", True),
        (ACTORS, "name.like", "x", False),
        (ACTORS, "name.nlike", "x", True),
        (ACTORS, "name.in", '[null, "x"]', True),
        (ACTORS, "stateless", "True", True),
        (ACTORS, "stateless", "1", False),
        (ACTORS, "stateless.neq", "true", False),
        (ACTORS, "stateless.gte", "false", True),
        (ACTORS, "token", "false", True),
        (ACTORS, "token", "true", False),
        (ACTORS, "maxWorkers", "3", True),
        (ACTORS, "maxWorkers", "3.0", True),
        (ACTORS, "maxWorkers", "3.5", False),
        (ACTORS, "maxWorkers.gt", "2.5", True),
        (ACTORS, "maxWorkers.lt", "3.5", True),
        (ACTORS, "maxWorkers.gt", "3", False),
        (ACTORS, "maxWorkers.between", "3,3", True),
        (ACTORS, "maxWorkers.lt", "1e300", True),
        (ACTORS, "maxWorkers.gt", "1e300", False),
        (ACTORS, "maxWorkers.gt", "-1e300", True),
        (ACTORS, "maxWorkers.in", "[1e300, 3, 2.5]", True),
        (ACTORS, "maxWorkers.lt", "9223372036854775807", True),
        (ACTORS, "maxWorkers.gt", "9223372036854775807", False),
        (ACTORS, "maxWorkers.lt", "abc", False),
        (ACTORS, "maxWorkers", "true", False),
        (ACTORS, "log_ex", "none", True),
        (ACTORS, "log_ex.gt", "0", False),
        (ACTORS, "hints", "sync", True),
        (ACTORS, "hints", "none", False),
        (ACTORS, "hints.neq", "sync", False),
        (ACTORS, "hints.like", "^sy", True),
        (ACTORS, "hints.in", '["x", "sync"]', True),
        (ACTORS, "hints", '["sync", "b"]', True),
        (ACTORS, "default_environment.foo", "bar", True),
        (ACTORS, "defaultEnvironment.foo", "Bar", False),
        (ACTORS, "create_time", "2026-04-29T21:46:53.393Z", True),
        (ACTORS, "createTime", "2026-04-29T23:46:53:393+02:00", True),
        (ACTORS, "create_time.gt", "2026", True),
        (ACTORS, "create_time.lt", "2026", False),
        (ACTORS, "create_time.gte", "2026-04-29T21:46:53.393", True),
        (ACTORS, "create_time.gt", "2026-04-29T21:46:53.393", False),
        (ACTORS, "create_time.lt", "2026-04-29T21:46:53.393001", True),
        (ACTORS, "create_time.gt", "2026-04-29T21:46:53.392999", True),
        (ACTORS, "create_time", "2026-04-29T21:46:53.393001", False),
        (ACTORS, "create_time.between", "2026-01, 2027-01-01", True),
        (ACTORS, "create_time.neq", "2026", True),
        (ACTORS, "create_time.like", "2026", False),
        (ACTORS, "create_time", "true", False),
        (ACTORS, "cron_next_ex", "none", True),
        (ACTORS, "tenant", "DEV", False),
        (ACTORS, "_links.self", "x", False),
        (EXECUTIONS, "status", "COMPLETE", True),
        (EXECUTIONS, "exitCode", "0", True),
        (EXECUTIONS, "finalState.OOMKilled", "false", True),
        (EXECUTIONS, "final_state.OOMKilled.neq", "true", True),
        (EXECUTIONS, "final_state.ExitCode.lt", "1", True),
        (EXECUTIONS, "final_state.FinishedAt.gt", "2026-04-29", True),
        (EXECUTIONS, "final_state.FinishedAt.lt", "2026-04-29", False),
        (EXECUTIONS, "finish_time.gt", "2026-04-29", True),
        (EXECUTIONS, "actor_id", "actor1", True),
        (EXECUTIONS, "actorId", "DEV_actor1", True),
        (EXECUTIONS, "actor_id.nin", '["DEV_actor1"]', False),
        (LOGS, "logs.like", "hello", True),
        (LOGS, "actor_id", "DEV_actor1", True),
        (LOGS, "execution_id", "e1", True),
        (WORKERS, "status", "READY", True),
        (WORKERS, "ch_name", "worker_w1", True),
        (WORKERS, "last_execution_time", "none", True),
        (WORKERS, "host_id", "node1", True),
        (WORKERS, "location", "crun://node1", True),
        (WORKERS, "host_ip", "192.0.2.1", True),
        (WORKERS, "last_health_check_time.gt", "2026-01", True),
    ],
)
def test_conditions_on_columns(store: SqlStore, collection: Collection, key: str, text: str, expected: bool) -> None:
    environment = {"foo": "bar"}
    add_actor(store, name=None, max_workers=3, hints=("sync", "b"), default_environment=environment)
    run(store, "e1", "hello")
    store.engines.register("engine1", "node1:1234", NOW, later(days=1), "192.0.2.1")
    store.workers.add(Worker("w1", TENANT, "actor1", "engine1", WorkerStatus.READY, 1, "abacosamples/test", NOW))
    page = search(store, collection, (key, text))
    assert page.total == len(page.found) == int(expected)


def test_a_text_with_a_nul_in_json_does_not_spoil_the_search_of_others(store: SqlStore) -> None:
    """PostgreSQL's jsonb cannot hold it."""
    add_actor(store, "actor1", state={"a": "x\0y", "b": "\\u0000 as such"})
    add_actor(store, "actor2", state={"a": "z"})
    assert found(store, ACTORS, ("state.a", "z")) == ["actor2"]
    assert found(store, ACTORS, ("exactsearch", "z")) == ["actor2"]


@pytest.mark.parametrize(
    "source", ["a{2,3}b", r"\d+:\w", "[^a-c]", "x|(yz)+", r"^\$", "é+$", "(?i)Ä", "()", r"[\]\-^]", "a??b"]
)
def test_patterns_find_the_same_on_both_databases(store: SqlStore, source: str) -> None:
    texts = ["aab", "ab", "12:x", "abc", "yzyz", "$", "caf\u00e9", "\u00e4", "a-]", "a\nb", "^"]
    for number, text in enumerate(texts):
        add_actor(store, f"actor{number:02}", description=text, state={"text": text})
    (condition,) = parse_query([("description.like", source)], 1).conditions
    expected = [f"actor{n:02}" for n, text in enumerate(texts) if passes(text, (), condition.test)]
    assert found(store, ACTORS, ("description.like", source)) == expected
    assert found(store, ACTORS, ("state.text.like", source)) == expected
    assert len(found(store, ACTORS, ("description.nlike", source))) == len(texts) - len(expected)


# --- paging and order ---


def test_pages_and_totals(store: SqlStore) -> None:
    names = [f"actor{number}" for number in range(1, 8)]
    for name in names:
        add_actor(store, name)
    for pairs, expected in (
        ((), names),
        ((("limit", "3"),), names[:3]),
        ((("limit", "3"), ("skip", "3")), names[3:6]),
        ((("limit", "3"), ("offset", "6")), names[6:]),
        ((("limit", "3"), ("skip", "7")), []),
        ((("skip", "9000000000000000"),), []),
        ((("limit", "0"),), []),
    ):
        page = search(store, ACTORS, *pairs)
        assert (ids(page), page.total) == (expected, 7)
    assert search(store, ACTORS, ("image", "none")) == SearchPage(0, [])


def test_a_page_that_would_fill_the_memory_is_refused(store: SqlStore) -> None:
    add_actor(store)
    for number in range(4):
        run(store, f"e{number}", "x" * 9_000_000)
    with pytest.raises(InvalidInput, match="ask for fewer by limit"):
        search(store, LOGS)
    assert len(search(store, LOGS, ("limit", "2")).found) == 2
    assert search(store, EXECUTIONS).total == 4


def test_a_search_that_takes_too_long_is_stopped(database: Database, store: SqlStore) -> None:
    for number in range(30):
        add_actor(store, f"actor{number}", description="a" * 10_000)
    hurried = Searches(database, 0.001)
    asked = SearchScope(ACTORS, TENANT, "ada", default_token=False)
    conditions = [("description.nlike", "(a|b)*c")] * 50
    with pytest.raises(Unavailable, match="longer than"):
        hurried.find(asked, parse_query(conditions, 10), NOW)
    assert len(found(store, ACTORS)) == 30


def test_a_pattern_that_is_too_complex_is_refused(store: SqlStore) -> None:
    add_actor(store, description="ab" * 9 + "abaabbabbbaabab" * 400)
    try:
        found(store, ACTORS, ("description.like", "(a|b)*a(a|b){20}c"))
    except InvalidInput as error:
        assert "too complex" in error.message  # noqa: PT017 - PostgreSQL's engine may manage


# --- who sees what ---


def test_what_is_found_may_be_read_by_an_entry(store: SqlStore) -> None:
    for name, owner, entries in (
        ("mine", "ada", {}),
        ("strange", "bob", {}),
        ("shared", "bob", {"ada": Level.READ}),
        ("denied", "bob", {"ada": Level.NONE, WORLD: Level.UPDATE}),
        ("public", "bob", {WORLD: Level.READ}),
        ("closed", "bob", {WORLD: Level.NONE}),
        ("raised", "bob", {"ada": Level.READ, WORLD: Level.EXECUTE}),
        ("lowered", "bob", {"ada": Level.READ, WORLD: Level.NONE}),
    ):
        add_actor(store, name, owner=owner)
        for username, level in entries.items():
            store.permissions.grant(name, username, level)
        run(store, f"e-{name}", "log", name)
        store.workers.add(Worker(f"w-{name}", TENANT, name, "engine1", WorkerStatus.READY, 1, "i", NOW))
    visible = ["mine", "shared", "public", "raised", "lowered"]
    assert found(store, ACTORS) == visible
    assert [actor.id for actor in store.actors.list_visible(TENANT, "ada")] == visible
    assert found(store, EXECUTIONS) == found(store, LOGS) == [f"e-{name}" for name in visible]
    assert found(store, WORKERS) == [f"w-{name}" for name in visible]
    assert found(store, LOGS, ("search", "log")) == [f"e-{name}" for name in visible]
    assert found(store, ACTORS, user="nobody") == ["denied", "public", "raised"]


def test_tenants_and_deleted_actors_are_never_found(store: SqlStore) -> None:
    add_actor(store, "here")
    add_actor(store, "there", tenant="OTHER")
    add_actor(store, "gone")
    for name in ("here", "there", "gone"):
        run(store, f"e-{name}", "log", name)
    store.actors.begin_delete(TENANT, "gone", NOW)
    for collection in (EXECUTIONS, LOGS):
        assert found(store, collection) == ["e-here"]
        assert found(store, collection, tenant="OTHER") == ["e-there"]
        assert found(store, collection, actor_id="gone") == []
        assert found(store, collection, actor_id="there") == []
    assert found(store, ACTORS) == ["here"]
    assert found(store, ACTORS, ("exactsearch", "gone")) == []


def test_a_search_may_be_within_one_actor_and_execution(store: SqlStore) -> None:
    for name in ("one", "two"):
        add_actor(store, name, owner="bob")
        run(store, f"e-{name}-1", "log", name)
        run(store, f"e-{name}-2", "log", name)
    assert found(store, EXECUTIONS, actor_id="one") == ["e-one-1", "e-one-2"]
    assert found(store, LOGS, actor_id="one", execution_id="e-one-2") == ["e-one-2"]
    assert found(store, LOGS, ("search", "log"), actor_id="one") == ["e-one-1", "e-one-2"]
    assert found(store, LOGS, actor_id="one", execution_id="e-two-1") == []


def test_expired_logs_are_not_found(store: SqlStore) -> None:
    add_actor(store)
    run(store, "e1", "hello", lifetime_seconds=60)
    asked = SearchScope(LOGS, TENANT, "ada", default_token=False)
    for pairs in ([], [("search", "hello")]):
        query = parse_query(pairs, 10)
        assert store.searches.find(asked, query, later(seconds=59)).total == 1
        assert store.searches.find(asked, query, later(hours=2)).total == 0


# --- full text ---


def words(store: SqlStore, collection: Collection, text: str, name: str = "search") -> list[str]:
    return found(store, collection, (name, text))


def test_words_of_actors(store: SqlStore) -> None:
    add_actor(
        store, "one", image="abacosamples/py3_func", description="runs a sleep in a loop, sleep well, and more of it"
    )
    add_actor(store, "two", image="abacosamples/sleep_loop", name="sleeper")
    add_actor(store, "three", image="abacosamples/sleep_loop2", default_environment={"GREETING": "Guten Tag"})
    add_actor(store, "four", image="busybox", state={"deep": [{"er": "H\u00e9llo w\u00f6rld"}]}, hints=("sync",))
    assert words(store, ACTORS, "abacosamples/sleep_loop", "exactsearch") == ["two"]
    assert words(store, ACTORS, "sleep_loop") == ["two"]
    assert sorted(words(store, ACTORS, "sleep")) == ["one", "three", "two"]
    assert sorted(words(store, ACTORS, "sleeper sync")) == ["four", "two"]
    assert words(store, ACTORS, "guten tag", "exactsearch") == ["three"]
    assert words(store, ACTORS, "GREETING", "exactsearch") == []
    assert words(store, ACTORS, "h\u00e9llo W\u00d6RLD", "exactsearch") == ["four"]
    assert words(store, ACTORS, "NOTATHINGWORD", "exactsearch") == []
    assert words(store, ACTORS, "test none", "exactsearch") == []  # not over the border of two fields
    both = [("search", "busybox"), ("exactsearch", "sync"), ("image.like", "box")]
    assert found(store, ACTORS, *both) == ["four"]


def test_the_index_of_actors_follows_them(store: SqlStore) -> None:
    actor = add_actor(store, "one", stateless=False)
    assert words(store, ACTORS, "submitted") == ["one"]
    store.actors.mark_ready("one", actor.revision, NOW)
    assert words(store, ACTORS, "submitted") == []
    assert words(store, ACTORS, "READY") == ["one"]
    store.state.put("one", {"said": "fresh"})
    assert words(store, ACTORS, "fresh") == ["one"]
    store.state.put("one", "stale")
    assert words(store, ACTORS, "fresh") == []
    assert words(store, ACTORS, "stale") == ["one"]
    store.actors.begin_delete(TENANT, "one", NOW)
    assert store.actors.finish_deletes() == 1
    assert words(store, ACTORS, "stale") == []
    add_actor(store, "two")
    assert words(store, ACTORS, "stale") == []


def test_words_of_logs(store: SqlStore) -> None:
    add_actor(store)
    run(store, "e1", "the quick brown fox\n/path/to/file.txt: 3 errors")
    run(store, "e2", "the lazy dog, a fox, another fox")
    run(store, "e3")
    post(store, "e4")
    running = claimed(store)
    store.logs.append([LogAppended("e4", running.attempt, "still running: foxtrot, fox")])
    assert words(store, LOGS, "quick brown", "exactsearch") == ["e1"]
    assert words(store, LOGS, "brown quick", "exactsearch") == []
    assert sorted(words(store, LOGS, "fox")) == ["e1", "e2", "e4"]
    assert words(store, LOGS, "running foxtrot", "exactsearch") == ["e4"]
    assert words(store, LOGS, "to/file.TXT", "exactsearch") == ["e1"]
    finish(store, running, " and done")
    assert words(store, LOGS, "fox and done", "exactsearch") == ["e4"]
    assert store.logs.prune(later(days=3)) == 4
    assert words(store, LOGS, "fox") == []
    run(store, "e5", "fox")
    assert words(store, LOGS, "fox") == ["e5"]


def test_words_of_executions_and_workers(store: SqlStore) -> None:
    add_actor(store)
    run(store, "e1", error="no space left on /dev/sda1")
    post(store, "e2")
    store.workers.add(Worker("w1", TENANT, "actor1", "engine1", WorkerStatus.READY, 1, "abacosamples/test", NOW))
    assert words(store, EXECUTIONS, "space left on", "exactsearch") == ["e1"]
    assert words(store, EXECUTIONS, "submitted") == ["e2"]
    assert words(store, EXECUTIONS, "ada e2") == ["e2", "e1"]
    assert words(store, EXECUTIONS, "OOMKilled") == []
    assert words(store, EXECUTIONS, "spac") == []
    assert words(store, WORKERS, "abacosamples/test", "exactsearch") == ["w1"]
    assert words(store, WORKERS, "nothing") == []


@pytest.mark.parametrize(
    "text", ['a" OR "b', "a AND b*", "NEAR(a b)", "text : a", "{a b} : c", "a & !b <-> c", "'; --", "a^2 -b +c"]
)
@pytest.mark.parametrize("name", ["search", "exactsearch"])
@pytest.mark.parametrize("collection", [ACTORS, LOGS, EXECUTIONS])
def test_the_languages_of_the_indexes_are_not_spoken(
    store: SqlStore, collection: Collection, name: str, text: str
) -> None:
    add_actor(store, "nothing")
    assert found(store, collection, (name, text.replace("'; --", "x'; --"))) == []


def test_a_large_log_of_many_words_is_indexed_as_far_as_it_can_be(store: SqlStore) -> None:
    add_actor(store)
    text = " ".join(chr(0x4E00 + number % 20_000) + chr(0x20000 + number) for number in range(40_000))
    run(store, "e1", f"first {text * 5}")
    assert words(store, LOGS, "first") == ["e1"]


# --- cost ---


@pytest.mark.parametrize("kind", ["sqlite"])
def test_sqlite_begins_with_what_the_user_may_read(database: Database, store: SqlStore) -> None:
    """Not with all actors of the tenant: the cost is that of what is visible, however much there is beside it."""
    plans: list[str] = []

    def explain(connection: Connection, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        if statement.startswith("SELECT") and "ORDER BY" in statement:
            driver: Any = connection.connection.driver_connection
            plans.append("; ".join(row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {statement}", values)))

    event.listen(database._readers.engine, "before_cursor_execute", explain)
    for collection, condition in (
        (ACTORS, ("status", "READY")),
        (ACTORS, ("create_time.gt", "2020")),
        (EXECUTIONS, ("status", "COMPLETE")),
        (EXECUTIONS, ("search", "ada")),
        (WORKERS, ("status", "READY")),
        (LOGS, ("logs.like", "a")),
    ):
        found(store, collection, condition)
    store.actors.list_visible(TENANT, "ada")
    assert len(plans) == 7
    for plan in plans:
        assert plan.startswith("SEARCH actors USING INDEX sqlite_autoindex_actors_1 (id=?)")
        assert "SEARCH permissions_1 USING INDEX permissions_by_user (username=?)" in plan
        assert not any(f"SCAN {table}" in plan for table in ("actors", "executions", "logs", "workers", "permissions"))


def test_the_number_of_statements_does_not_grow_with_what_is_found(database: Database, store: SqlStore) -> None:
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    for engine in (database._readers.engine, database._writers.engine):
        event.listen(engine, "before_cursor_execute", note)
    counts: list[Sequence[int]] = []
    for round_ in range(3):
        add_actor(store, f"actor{round_}")
        for number in range(5 * round_ + 1):
            run(store, f"e{round_}-{number}", "fox", f"actor{round_}")
        counts.append([])
        taken = []
        for collection in (ACTORS, EXECUTIONS, LOGS):
            for pairs in ([], [("search", "fox ada")], [("actor_id.neq", "x"), ("status.in", '["A"]'), ("io", "0")]):
                statements.clear()
                found(store, collection, *pairs, ("limit", "50"))
                taken.append(len(statements))
        counts[-1] = taken
    assert counts[1] == counts[2]
    assert max(counts[2]) <= 6
