"""Workers: seeing them, asking for more, stopping one."""

from typing import Any

import pytest

from abaco.api import schemas
from abaco.domain.event import WorkersRequested, WorkerStopRequested
from abaco.domain.lifecycle import WorkerStatus
from abaco.domain.worker import Worker

from .test_documents import require_documented
from .world import World


def staff(world: World, actor: str, *worker_ids: str) -> None:
    """Workers, as the engine starts them."""
    for worker_id in worker_ids:
        world.store.workers.add(
            Worker(
                worker_id,
                "DEV",
                actor.rpartition("/")[2],
                "engine1",
                WorkerStatus.REQUESTED,
                1,
                "abacosamples/test:latest",
                world.clock.now(),
            )
        )


def requested(world: World, actor: str) -> int:
    [waiting] = world.store.claims.waiting([actor.rpartition("/")[2]], world.clock.now(), 1)
    return waiting.requested


def ask(world: World, actor: str, user: str = "ada", **body: Any) -> str:
    response = world.send("POST", f"{actor}/workers", user, **body)
    assert response.status_code == 200
    assert response.json()["result"] is None
    message: str = response.json()["message"]
    return message


def test_a_worker_is_shown_as_the_contract_says(either_world: World) -> None:
    world = either_world
    actor = world.actor()
    now = world.clock.now()
    world.store.engines.register("engine1", "node1:/data", now, now.replace(year=2030), "192.0.2.1")
    staff(world, actor, "worker1", "worker2")
    world.message(actor)
    world.claim(actor)
    moment = "2026-04-29T21:46:53.007Z"
    shown = world.get(f"{actor}/workers")
    assert shown[0] == {
        "id": "worker1",
        "actorId": actor.rpartition("/")[2],
        "tenant": "DEV",
        "status": "BUSY",
        "chName": "worker_worker1",
        "image": "abacosamples/test:latest",
        "location": "crun://node1",
        "cid": "engine1",
        "hostId": "node1",
        "hostIp": "192.0.2.1",
        "createTime": moment,
        "lastExecutionTime": moment,
        "lastHealthCheckTime": moment,
    }
    assert (shown[1]["status"], shown[1]["lastExecutionTime"]) == ("REQUESTED", "None")
    assert world.get(f"{actor}/workers/worker2") == shown[1]
    require_documented(shown, list[schemas.Worker])


def test_unknown_values_are_the_text_none(world: World) -> None:
    actor = world.actor()
    staff(world, actor, "worker1")
    shown = world.get(actor.replace("/actors/v2", "/v3/actors") + "/workers/worker1")
    assert (shown["host_id"], shown["host_ip"], shown["last_health_check_time"]) == ("None", "None", "None")
    assert shown["ch_name"] == "worker_worker1"


def test_unknown_workers_are_not_found(world: World) -> None:
    actor, other = world.actor(), world.actor()
    staff(world, other, "worker1")
    world.refuse("GET", f"{actor}/workers/worker1", status=404, saying="worker1")
    world.refuse("DELETE", f"{actor}/workers/worker1", status=404, saying="worker1")
    world.refuse("GET", "/actors/v2/unknown/workers", status=404)


class TestAsking:
    @pytest.mark.parametrize("body", [{"json": {"num": 3}}, {"data": {"num": "3"}}])
    def test_the_message_says_how_many_come(self, either_world: World, body: dict[str, Any]) -> None:
        world, actor = either_world, either_world.actor()
        staff(world, actor, "worker1")
        world.notifier.topics.clear()
        message = ask(world, actor, **body)
        assert message == "Scheduled 2 new worker(s) to start. Previously, there were 1 workers."
        assert requested(world, actor) == 3
        id_ = actor.rpartition("/")[2]
        assert world.notifier.topics == [f"actor:{id_}"]
        assert world.events[-1] == WorkersRequested("DEV", id_, 3, "ada")

    def test_who_has_enough_gets_no_more(self, world: World) -> None:
        actor = world.actor()
        id_ = actor.rpartition("/")[2]
        staff(world, actor, "worker1", "worker2")
        world.notifier.topics.clear()
        assert ask(world, actor, json={"num": 2}) == f"Actor {id_} already had 2 worker(s)."
        assert ask(world, actor) == f"Actor {id_} already had 1 worker(s)."
        assert ask(world, actor, json={"num": 0}) == f"Actor {id_} already had 1 worker(s)."
        assert world.notifier.topics == []
        assert requested(world, actor) == 0

    @pytest.mark.parametrize("body", [{}, {"json": {"num": 0}}, {"json": {"num": -5}}, {"json": {"num": None}}])
    def test_one_is_the_least(self, world: World, body: dict[str, Any]) -> None:
        actor = world.actor()
        assert ask(world, actor, **body) == "Scheduled 1 new worker(s) to start. Previously, there were 0 workers."

    @pytest.mark.parametrize("num", ["many", "", 1e300, [1], True])
    def test_what_is_no_number_changes_nothing(self, world: World, num: Any) -> None:
        world.refuse("POST", f"{world.actor()}/workers", json={"num": num}, saying="num")

    def test_the_actors_limit_is_the_most(self, world: World) -> None:
        limited, usual = world.actor("pri", maxWorkers=3), world.actor("pri")
        assert "Scheduled 3 " in ask(world, limited, "pri", json={"num": 2**40})
        assert "Scheduled 3 " not in ask(world, limited, "adm", json={"num": 100})
        assert "Scheduled 20 " in ask(world, usual, "adm", json={"num": 100})

    def test_an_admin_may_have_two_of_a_stateful_actor(self, world: World) -> None:
        actor = world.actor(stateless=False)
        assert "Scheduled 1 " in ask(world, actor, json={"num": 2})
        assert "Scheduled 1 " in ask(world, actor, "adm", json={"num": 3})
        assert requested(world, actor) == 2

    @pytest.mark.parametrize("level", [None, "READ", "EXECUTE"])
    def test_it_takes_update(self, world: World, level: str | None) -> None:
        actor = world.actor()
        if level:
            world.post(f"{actor}/permissions", json={"user": "bob", "level": level})
        world.refuse("POST", f"{actor}/workers", "bob", json={"num": 2}, saying="only admins may update workers")

    def test_those_with_update_may(self, world: World) -> None:
        actor = world.actor()
        world.post(f"{actor}/permissions", json={"user": "bob", "level": "UPDATE"})
        assert "Scheduled 2 " in ask(world, actor, "bob", json={"num": 2})

    def test_an_actor_in_error_starts_none(self, world: World) -> None:
        actor = world.actor()
        world.store.actors.mark_error(actor.rpartition("/")[2], 1, "no such image", world.clock.now())
        world.refuse("POST", f"{actor}/workers", json={"num": 2}, saying="update the actor first")


def test_stopping_a_worker_tells_the_engine(either_world: World) -> None:
    world, actor = either_world, either_world.actor()
    staff(world, actor, "worker1", "worker2")
    ask(world, actor, json={"num": 3})
    response = world.send("DELETE", f"{actor}/workers/worker1")
    assert response.json()["message"] == "Worker scheduled to be stopped."
    assert response.json()["result"] is None
    assert world.get(f"{actor}/workers/worker1")["status"] == "SHUTDOWN_REQUESTED"
    assert requested(world, actor) == 1
    assert world.notifier.topics[-1] == "worker:worker1"
    assert world.events[-1] == WorkerStopRequested("DEV", actor.rpartition("/")[2], "worker1", "ada")


def test_readers_see_workers_and_stop_none(world: World) -> None:
    actor = world.actor()
    staff(world, actor, "worker1")
    world.refuse("GET", f"{actor}/workers", "bob")
    world.refuse("GET", f"{actor}/workers/worker1", "bob")
    world.post(f"{actor}/permissions", json={"user": "bob", "level": "READ"})
    assert world.get(f"{actor}/workers", "bob") == world.get(f"{actor}/workers")
    world.refuse("DELETE", f"{actor}/workers/worker1", "bob")
    world.refuse("GET", f"{actor}/workers", "ada@OTHER", status=404)


def test_a_nonce_opens_workers_at_its_level(world: World) -> None:
    actor = world.actor()
    staff(world, actor, "worker1")
    nonce = world.post(f"{actor}/nonces", json={"level": "READ", "maxUses": -1})["id"]
    assert world.http.send("GET", f"{actor}/workers?x-nonce={nonce}").status_code == 200
    refused = world.http.send("POST", f"{actor}/workers?x-nonce={nonce}", json={"num": 2})
    assert refused.status_code == 400
    assert requested(world, actor) == 0


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_there_is_nothing_else_to_do_with_workers(world: World, method: str) -> None:
    world.refuse(method, f"{world.actor()}/workers", status=405)
