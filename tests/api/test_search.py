"""Searching: what is found, by whom, and in which shape."""

from typing import Any
from urllib.parse import quote, urlencode

import pytest

from abaco.domain.lifecycle import WorkerStatus
from abaco.domain.worker import Worker

from .world import START, World

METADATA = {"totalCount", "recordsSkipped", "recordLimit", "countReturned"}


def path(collection: str, *pairs: tuple[str, str], root: str = "/actors/v2") -> str:
    return f"{root}/search/{collection}?{urlencode(pairs)}"


def found(world: World, collection: str, *pairs: tuple[str, str], user: str = "ada") -> list[dict[str, Any]]:
    result = world.get(path(collection, *pairs), user)
    entries: list[dict[str, Any]] = result["search"]
    assert result["_metadata"]["countReturned"] == len(entries)
    return entries


def count(world: World, collection: str, *pairs: tuple[str, str], user: str = "ada") -> int:
    total: int = world.get(path(collection, *pairs), user)["_metadata"]["totalCount"]
    return total


def run(world: World, actor: str, log: str = "", user: str = "ada", **outcome: Any) -> str:
    execution = world.message(actor, user=user)
    world.close(world.claim(actor), log, **outcome)
    return execution


def share(world: World, actor: str, user: str, level: str, by: str = "ada") -> None:
    world.post(f"{actor}/permissions", by, json={"user": user, "level": level})


# --- shape ---


def test_the_answer_to_a_search(world: World) -> None:
    for _ in range(3):
        world.actor()
    response = world.send("GET", "/actors/v2/search/actors?limit=2&skip=1")
    assert response.json()["message"] == "Search completed successfully."
    result = response.json()["result"]
    assert set(result) == {"_metadata", "search"}
    assert result["_metadata"] == {"totalCount": 3, "recordsSkipped": 1, "recordLimit": 2, "countReturned": 2}


@pytest.mark.parametrize("root", ["/v3/actors", "/actors/v2"])
def test_each_root_spells_its_own_way_with_nulls_present(world: World, root: str) -> None:
    actor = world.actor(default_environment={"some_key": "x"})
    execution = run(world, actor)
    snake = root == "/v3/actors"
    result = world.get(path("actors", root=root))
    (entry,) = result["search"]
    assert set(result["_metadata"]) == (
        {"total_count", "records_skipped", "record_limit", "count_returned"} if snake else METADATA
    )
    for name in ("gid", "uid", "tasdir", "name", "mounts", "queue", "state"):
        assert name in entry
    assert entry["max_workers" if snake else "maxWorkers"] is None
    assert entry["default_environment" if snake else "defaultEnvironment"] == {"some_key": "x"}
    assert entry["create_time" if snake else "createTime"].endswith("Z")
    assert entry["_links"]["self"].endswith(f"{root}/{entry['id']}")
    assert not {"tenant", "db_id", "dbId", "api_server", "apiServer", "executions", "seq", "words"} & set(entry)
    (one,) = world.get(path("executions", root=root))["search"]
    assert one["actor_id" if snake else "actorId"] == entry["id"]
    assert one["final_state" if snake else "finalState"]["OOMKilled"] is False
    assert one["_links"]["logs"].endswith(f"{root}/{entry['id']}/executions/{one['id']}/logs")
    assert execution.endswith(one["id"])
    assert not {"tenant", "api_server", "apiServer", "seq"} & set(one)


def test_an_entry_is_the_object_as_it_is_got(world: World) -> None:
    actor = world.actor()
    execution = run(world, actor)
    v3 = actor.replace("/actors/v2", "/v3/actors")
    assert world.get(path("actors", root="/v3/actors"))["search"] == [world.get(v3)]
    got = world.get(execution.replace("/actors/v2", "/v3/actors"))
    del got["api_server"]
    assert world.get(path("executions", root="/v3/actors"))["search"] == [got]


def test_entries_of_logs(world: World) -> None:
    actor = world.actor()
    execution = run(world, actor, "hello\n")
    links = world.get(f"{execution}/logs")["_links"]
    assert found(world, "logs") == [{"logs": "hello\n", "_links": links}]


def test_entries_of_workers(world: World) -> None:
    actor = world.actor()
    world.store.workers.add(worker("w1", actor))
    (got,) = world.get(f"{actor}/workers")
    assert got.pop("tenant") == "DEV"
    assert found(world, "workers") == [{"actorId": actor.rpartition("/")[2], **got}]


@pytest.mark.parametrize(
    ("listing", "message"),
    [
        ("/actors/v2", "Actors search completed successfully."),
        ("ACTOR/executions", "Executions search completed successfully."),
        ("ACTOR/workers", "Workers search completed successfully."),
        ("EXECUTION/logs", "Log search completed successfully."),
    ],
)
def test_a_listing_with_parameters_is_a_search(world: World, listing: str, message: str) -> None:
    actor = world.actor()
    execution = run(world, actor, "hello")
    world.store.workers.add(worker("w1", actor))
    url = listing.replace("ACTOR", actor).replace("EXECUTION", execution)
    plain = world.get(url)
    assert "search" not in plain
    assert world.get(f"{url}?pretty=true") == plain
    for query in ("limit=5", "offset=0", "status.neq=x&pretty=true", "nothing=none"):
        response = world.send("GET", f"{url}?{query}").json()
        assert response["message"] == message
        assert response["result"]["_metadata"]["totalCount"] == 1
    world.refuse("GET", f"{url}?limit=-1", saying="limit")


def test_listings_find_only_what_belongs_to_their_path(world: World) -> None:
    one, two = world.actor(), world.actor()
    execution = run(world, one, "first")
    other = run(world, one, "second")
    run(world, two, "third")
    ids = [entry["id"] for entry in world.get(f"{one}/executions?limit=10")["search"]]
    assert ids == [execution.rpartition("/")[2], other.rpartition("/")[2]]
    assert [log["logs"] for log in world.get(f"{other}/logs?limit=10")["search"]] == ["second"]
    assert world.get(f"{other}/logs?search=first")["search"] == []
    world.refuse("GET", f"{two}/executions/{other.rpartition('/')[2]}/logs?limit=1", status=404)
    world.refuse("GET", f"{one}/executions?limit=1", "bob", saying="do not have access")
    world.refuse("GET", "/actors/v2/nobody/executions?limit=1", status=404)
    assert len(world.get(f"{one}/executions?limit=10", "adm")["search"]) == 2


def test_aliases_do_in_paths(world: World) -> None:
    actor = world.actor()
    execution = run(world, actor, "hello")
    world.post("/actors/v2/aliases", json={"alias": "some.name", "actorId": actor.rpartition("/")[2]})
    assert len(world.get("/actors/v2/some.name/executions?status=COMPLETE")["search"]) == 1
    by_alias = f"/actors/v2/some.name/executions/{execution.rpartition('/')[2]}/logs?logs.like=ell"
    assert len(world.get(by_alias)["search"]) == 1


@pytest.mark.parametrize("name", ["ACTORS", "Executions", "logs", "workers"])
def test_collections_have_names_in_any_case(world: World, name: str) -> None:
    assert world.get(f"/actors/v2/search/{name}")["search"] == []


def test_other_collections_there_are_not(world: World) -> None:
    world.refuse("GET", "/actors/v2/search/tokens", status=404, saying="actors, executions, workers, logs")


# --- conditions: what the contract names ---


def test_the_numbers_of_the_contract(world: World) -> None:
    """8.7: the admin sees what he has entries for, and no more, whatever role he has."""
    images = [f"abacosamples/{name}" for name in ("py3_func", "sleep_loop", *(f"test{n}" for n in range(8)))]
    actors = [world.actor("adm", image=image) for image in images]
    limited = world.actor("lim")
    share(world, actors[3], "pri", "UPDATE", by="adm")
    for actor, number in ((actors[3], 4), (actors[0], 3)):
        for _ in range(number):
            run(world, actor, user="adm")
    world.store.workers.add(worker("w1", actors[3]))
    world.store.workers.add(worker("w2", limited))
    numbers = {
        user: [count(world, name, user=user) for name in ("actors", "executions", "logs", "workers")]
        for user in ("adm", "pri", "lim")
    }
    assert numbers == {"adm": [10, 7, 7, 1], "pri": [1, 4, 4, 1], "lim": [1, 0, 0, 1]}
    for query, total in (
        ("image=abacosamples/py3_func", 1),
        ("image.neq=abacosamples/py3_func", 9),
        ("image.like=py3_func", 1),
        ("image.nlike=py3_func", 9),
        ('status.in=["SUBMITTED", "READY"]', 10),
        ('status.nin=["READY"]', 10),
        ("token=false", 10),
        ("exactsearch=abacosamples/sleep_loop", 1),
        ("exactsearch=NOTATHINGWORD", 0),
        ("create_time.gt=2000-05:00", 10),
        ("create_time.lt=2000-01-01T01:00:00.000Z", 0),
        ("create_time.gt=2000-01-01T01:00", 10),
        ("create_time.between=2000-01-01T01:00,2200-12-30T23:59:59.999Z", 10),
        ("create_time.between=2000-01-01,2200-01-01", 10),
    ):
        assert world.get(f"/actors/v2/search/actors?{query}", "adm")["_metadata"]["totalCount"] == total, query
    first = world.get("/actors/v2/search/actors?search=sleep_loop", "adm")["search"][0]
    assert first["image"] == "abacosamples/sleep_loop"


def worker(worker_id: str, actor: str, tenant: str = "DEV") -> Worker:
    return Worker(worker_id, tenant, actor.rpartition("/")[2], "engine1", WorkerStatus.READY, 1, "image", START)


def test_a_plus_that_arrives_as_a_blank(world: World) -> None:
    world.actor()
    assert world.get("/actors/v2?create_time.gt=2026-04-29+06:00")["_metadata"]["totalCount"] == 1
    assert world.get("/actors/v2?create_time.gt=2026-04-30T03:46+06:00")["_metadata"]["totalCount"] == 1
    assert world.get("/actors/v2?create_time.gt=2026-04-30T03:47+06:00")["_metadata"]["totalCount"] == 0


def test_executions_of_the_user_guide(either_world: World) -> None:
    world = either_world
    actor = world.actor()
    run(world, actor, cpu=159212854)
    waiting = world.message(actor)
    assert [one["status"] for one in found(world, "executions", ("status.neq", '"COMPLETE"'))] == ["SUBMITTED"]
    after = world.get(f"{actor}/executions?status=COMPLETE&start_time.gt=2020-05-05T19:50:23.748&cpu.gte=1")
    assert after["_metadata"] == {"totalCount": 1, "recordsSkipped": 0, "recordLimit": 100, "countReturned": 1}
    assert found(world, "executions", ("startTime", "none"))[0]["id"] == waiting.rpartition("/")[2]


def test_state_and_environment_are_searched(either_world: World) -> None:
    world = either_world
    actor = world.actor(stateless=False, default_environment={"MODE": "fast"}, hints=["sync", "a"])
    world.actor()
    world.post(f"{actor}/state", json={"count": 3, "names": ["x", "y"]})
    for pair in (
        ("state.count", "3"),
        ("state.count.between", "1, 5"),
        ("state.names", "y"),
        ("defaultEnvironment.MODE", "fast"),
        ("hints", "sync"),
        ("hints.like", "^sy"),
        ("stateless", "false"),
        ("exactsearch", "fast"),
    ):
        assert [entry["id"] for entry in found(world, "actors", pair)] == [actor.rpartition("/")[2]], pair


# --- who sees what ---


def test_nobody_finds_what_they_may_not_read(either_world: World) -> None:
    world = either_world
    secret, denied, public = world.actor(), world.actor(), world.actor()
    for actor in (secret, denied, public):
        run(world, actor, "needle")
    foreign = world.actor("eve@OTHER")
    run(world, foreign, "needle", user="eve@OTHER")
    share(world, denied, "ABACO_WORLD", "UPDATE")
    share(world, denied, "bob", "NONE")
    share(world, public, "ABACO_WORLD", "READ")
    for collection in ("actors", "executions", "logs"):
        for pairs in ((), (("search", "needle abacosamples"),), (("actor_id.neq", "x"),)):
            seen = str(found(world, collection, *pairs, user="bob"))
            mine = public.rpartition("/")[2]
            assert seen.count("'self'") == (0 if "needle" in str(pairs) and collection == "executions" else 1)
            assert not any(other.rpartition("/")[2] in seen for other in (secret, denied, foreign))
            assert mine in seen or "'self'" not in seen
    assert count(world, "logs", user="ada@OTHER") == 0
    assert count(world, "actors", user="adm") == 2


def test_deleted_actors_and_expired_logs_are_not_found(world: World) -> None:
    actor, other = world.actor(), world.actor()
    run(world, actor, "needle")
    run(world, other, "needle")
    world.send("DELETE", actor)
    assert [count(world, name) for name in ("actors", "executions", "logs")] == [1, 1, 1]
    assert count(world, "logs", ("exactsearch", "needle")) == 1
    world.clock.advance(hours=2)
    assert count(world, "logs") == 0
    assert count(world, "logs", ("exactsearch", "needle")) == 0


def test_strangers_and_nonces_are_refused(world: World) -> None:
    actor = world.actor()
    run(world, actor, "hello")
    assert world.http.send("GET", "/actors/v2/search/actors").status_code == 401
    nonce = world.post(f"{actor}/nonces", json={"level": "READ", "maxUses": -1})["id"]
    for url, status in (("/actors/v2/search/actors", 404), ("/actors/v2", 400)):
        assert world.http.send("GET", f"{url}?x-nonce={nonce}").status_code == status
        assert world.http.send("GET", f"{url}?limit=1&x-nonce={nonce}").status_code == status
    plain = world.http.send("GET", f"{actor}/executions?x-nonce={nonce}").json()["result"]
    assert plain["totalExecutions"] == 1
    searched = world.http.send("GET", f"{actor}/executions?status=COMPLETE&x-nonce={nonce}").json()["result"]
    assert searched["_metadata"]["totalCount"] == 1


def test_the_token_of_an_execution_does_not_search(world: World) -> None:
    actor = world.actor(stateless=False)
    world.message(actor)
    token = world.execution_token(world.claim(actor))
    for url in ("/actors/v2/search/actors", "/actors/v2?limit=1", f"{actor}/executions?limit=1"):
        world.require_refused(world.http.send("GET", url, token=token), 400, "limited to the state")


# --- bad and hostile input ---


@pytest.mark.parametrize(
    ("query", "saying"),
    [
        ("limit=many", "limit"),
        ("limit=-1", "limit"),
        ("skip=1.5", "skip"),
        ("offset=x", "offset"),
        ("limit=1&limit=2", "once"),
        ("create_time.gt=soon", "is not a time"),
        ("image.like=(", "not closed"),
        ("image.like=%5C1", "not supported"),
        ("status.in=READY", "JSON list"),
        ("io.between=1", "comma"),
        ("search=", "search needs"),
        ("exactsearch=---", "exactsearch needs"),
        ("=1", "does not name a field"),
        ("image=%00", "NUL"),
        ("image=%ff", "UTF-8"),
        ("&".join(["io=1"] * 51), "50 conditions"),
    ],
)
def test_bad_queries_are_refused_with_advice(world: World, query: str, saying: str) -> None:
    world.refuse("GET", f"/actors/v2/search/actors?{query}", saying=saying)
    world.refuse("GET", f"/actors/v2?{query}", saying=saying)


HOSTILE = [
    "' OR '1'='1",
    "'; DROP TABLE actors; --",
    '" OR 1=1 --',
    "%' --",
    "\\",
    "\\'",
    "$(id)",
    "${x}",
    "%s %(x)s :x ?",
    "$$ SELECT 1 $$",
    "a\nb",
    "\u202e\U0001f600",
    "[" * 300,
    '{"$gt": ""}',
    "NaN",
    "-0",
    "9" * 300,
    "1e308",
    "-9223372036854775809",
    "*",
    "abaco_passes",
]


def test_hostile_values_and_names_are_only_data(either_world: World) -> None:
    world = either_world
    actor = world.actor(description="plain", stateless=False)
    run(world, actor, "plain")
    before = world.everything()
    for text in HOSTILE:
        names = (
            text,
            f"state.{text}",
            f"state.{text}.like",
            "image",
            "image.like",
            "state.x.gt",
            "max_cpus.lt",
            "search",
        )
        for collection, name in (
            *(("actors", name) for name in names),
            ("logs", "exactsearch"),
            ("logs", "logs.nlike"),
        ):
            answer = world.send("GET", f"/actors/v2/search/{collection}?{quote(name)}={quote(text)}")
            assert answer.status_code in {200, 400}, (name, text, answer.text)
    assert world.everything() == before


def test_a_limit_above_the_servers_counts_as_that(world: World) -> None:
    assert world.get("/actors/v2?limit=1000000")["_metadata"]["recordLimit"] == 1000


ODD_VALUES = [
    r'"\u0000 in a text"',
    r'"\ud83d\ude00 \u001f \u2028"',
    "1e308",
    "-0.0",
    "9" * 300,
    "9" * 5000,
    "[" * 90 + "]" * 90,
    r'{"\u0000": "name", "": [null, true, "x"]}',
    '"' + "many words " * 9_000 + '"',
    '"' + "\U00020000" * 25_000 + '"',
]


def test_no_value_spoils_the_indexes(either_world: World) -> None:
    """What may be stored is stored, and what stands beside it is found."""
    stored = 0
    for value in ODD_VALUES:
        body = f'{{"image": "abacosamples/test", "defaultEnvironment": {{"x": [{value}], "y": "needle"}}}}'
        answer = either_world.send("POST", "/actors/v2", content=body.encode(), kind="application/json")
        assert answer.status_code in {200, 400}, value[:80]
        stored += answer.status_code == 200
        assert count(either_world, "actors", ("exactsearch", "abacosamples")) == stored
        assert count(either_world, "actors", ("default_environment.x", "nothing")) == 0
    assert stored > len(ODD_VALUES) / 2
