"""``/metrics``: what it shows, to whom."""

from collections.abc import Iterable

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from abaco.domain.lifecycle import WorkerStatus
from abaco.domain.worker import Worker
from abaco.ports import FORWARDED_FROM

from .conftest import MakeWorld
from .world import World

Headers = Iterable[tuple[str, str]]


def scrape(world: World, headers: Headers = ()) -> dict[tuple[str, ...], float]:
    """Each sample by its name and its labels' values."""
    response = world.http.send("GET", "/metrics", token=world.tokens["adm"], headers=headers)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = text_string_to_metric_families(response.text)
    return {(s.name, *dict(sorted(s.labels.items())).values()): s.value for family in families for s in family.samples}


def test_the_database_is_shown_as_it_is_now(either_world: World) -> None:
    world, actor = either_world, either_world.actor()
    for _ in range(3):
        world.message(actor)
    world.close(world.claim(actor))
    world.claim(actor)
    id_ = actor.rpartition("/")[2]
    world.store.workers.add(Worker("w1", "DEV", id_, "engine1", WorkerStatus.BUSY, 1, "image", world.clock.now()))
    shown = scrape(world)
    assert {key: shown[key] for key in shown if key[0].startswith(("abaco_actor", "abaco_exec", "abaco_work"))} == {
        ("abaco_actors", "SUBMITTED"): 1,
        ("abaco_actors", "READY"): 0,
        ("abaco_actors", "ERROR"): 0,
        ("abaco_actors", "SHUTTING_DOWN"): 0,
        ("abaco_actors_registered_total",): 1,
        ("abaco_actor_messages_waiting", id_): 1,
        ("abaco_executions", "SUBMITTED"): 1,
        ("abaco_executions", "RUNNING"): 1,
        ("abaco_executions", "COMPLETE"): 1,
        ("abaco_executions", "ERROR"): 0,
        ("abaco_workers", "REQUESTED"): 0,
        ("abaco_workers", "READY"): 0,
        ("abaco_workers", "BUSY"): 1,
        ("abaco_workers", "SHUTDOWN_REQUESTED"): 0,
    }
    assert shown["abaco_messages_waiting", "DEV"] == 1


def test_requests_are_counted_by_operation_and_status(world: World) -> None:
    actor = world.actor()
    for path in (actor, actor, "/actors/v2/unknown", "/no/such/path", "/healthz"):
        world.send("GET", path)
    world.http.send("GET", actor)
    shown = scrape(world)
    counts = {key[1:]: value for key, value in shown.items() if key[0] == "abaco_http_requests_total"}
    assert counts == {
        ("add", "200"): 1,
        ("get", "200"): 2,
        ("get", "404"): 1,
        ("get", "401"): 1,
        ("other", "404"): 1,
        ("other", "503"): 1,
    }
    assert shown["abaco_http_request_seconds_count", "get"] == 4
    assert shown["abaco_http_request_seconds_bucket", "+Inf", "get"] == 4
    assert shown["abaco_http_request_seconds_sum", "get"] > 0


def test_asking_changes_nothing(world: World) -> None:
    world.message(world.actor())
    before = world.everything()
    scrape(world)
    assert world.everything() == before


def test_labels_have_few_values(world: World) -> None:
    for number in range(60):
        world.message(world.actor())
        world.send("GET", f"/actors/v2/unknown{number}")
    shown = scrape(world)
    assert sum(name == "abaco_actor_messages_waiting" for name, *_ in shown) == 50
    assert sum(name == "abaco_http_requests_total" for name, *_ in shown) == 3
    assert shown["abaco_messages_waiting", "DEV"] == 60


def status(world: World, token: str | None = None, headers: Headers = ()) -> int:
    """That of an answer to the client that tests are, which is 127.0.0.1."""
    return world.http.send("GET", "/metrics", token=token and world.tokens[token], headers=headers).status_code


def test_this_machine_needs_no_token(world: World) -> None:
    assert status(world) == 200


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"])
def test_who_asks_through_a_proxy_needs_an_admins(world: World, name: str) -> None:
    headers = [(name, "127.0.0.1")]
    assert status(world, headers=headers) == 401
    assert status(world, "ada", headers) == 400
    assert status(world, "adm", headers) == 200


@pytest.mark.parametrize(
    ("address", "expected"),
    [("192.0.2.1", 401), ("127.0.0.9", 200), (FORWARDED_FROM, 401), ("::1", 200), ("unix", 401)],
)
def test_who_asks_from_elsewhere_needs_an_admins(world: World, address: str, expected: int) -> None:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(world.http.app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport) as client:
            return await client.get("http://abaco.test/metrics")

    assert world.http.portal.call(ask).status_code == expected


def test_the_setting_opens_and_closes_it(make_world: MakeWorld) -> None:
    closed = make_world(metrics_access="admin")
    assert [status(closed, user) for user in (None, "ada", "adm")] == [401, 400, 200]
    assert status(make_world(metrics_access="public"), headers=[("X-Forwarded-For", "192.0.2.1")]) == 200
