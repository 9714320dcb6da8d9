"""What administrators see of all tenants, and the utilization that all users see."""

from typing import Any

import pytest

from abaco.api import schemas
from abaco.domain.lifecycle import WorkerStatus
from abaco.domain.worker import Worker

from .test_documents import require_documented
from .world import World

_ADMIN = ("/actors/v2/admin", "/actors/v2/admin/workers", "/actors/v2/admin/executions")


def id_of(actor: str) -> str:
    return actor.rpartition("/")[2]


def run(world: World, actor: str, user: str, **outcome: Any) -> None:
    world.message(actor, user=user)
    world.close(world.claim(actor), **outcome)


@pytest.fixture
def busy(either_world: World) -> tuple[World, str, str]:
    """Two tenants' actors, and the remains of a third."""
    world = either_world
    mine, theirs, gone = world.actor(), world.actor("eve@OTHER"), world.actor()
    run(world, mine, "ada", cpu=5, io=7)
    run(world, mine, "ada", cpu=6, io=8)
    run(world, gone, "ada", cpu=100, io=200)
    world.message(mine)
    world.store.actors.begin_delete("DEV", id_of(gone), world.clock.now())
    world.store.actors.finish_deletes()
    for worker_id, status in (("w1", WorkerStatus.READY), ("w2", WorkerStatus.REQUESTED)):
        world.store.workers.add(
            Worker(worker_id, "DEV", id_of(mine), "engine1", status, 1, "image", world.clock.now()),
        )
    return world, mine, theirs


def test_all_actors_are_listed_with_what_belongs_to_them(busy: tuple[World, str, str]) -> None:
    world, mine, theirs = busy
    first, second = world.get("/actors/v2/admin", "adm")
    assert (first["id"], second["id"]) == (id_of(mine), id_of(theirs))
    shown = {name: first.pop(name) for name in (*_ADDED, "workers")}
    assert first == world.get(mine)
    assert [worker["id"] for worker in shown.pop("workers")] == ["w1", "w2"]
    assert shown == {
        "tenant": "DEV",
        "dbId": f"DEV_{id_of(mine)}",
        "apiServer": "https://abaco.test",
        "messages": 1,
        "executions": 3,
        "runtime": 6,
    }
    assert [second[name] for name in ("workers", "messages", "executions", "runtime")] == [[], 0, 0, 0]
    assert second["tenant"] == "OTHER"
    require_documented(world.get("/actors/v2/admin", "adm"), list[schemas.ActorOverview])
    assert world.get("/v3/actors/admin", "adm")[0]["db_id"] == f"DEV_{id_of(mine)}"


_ADDED = ("tenant", "dbId", "apiServer", "messages", "executions", "runtime")


def test_all_workers_are_listed_and_counted(busy: tuple[World, str, str]) -> None:
    world, mine, _ = busy
    found = world.get("/actors/v2/admin/workers", "adm")
    assert found["summary"] == {
        "totalWorkers": 2,
        "readyWorkers": 1,
        "requestedWorkers": 1,
        "errorWorkers": 0,
        "busyWorkers": 0,
        "actorsNoWorkers": 1,
    }
    assert [(one["id"], one["actorId"], one["actorDbid"]) for one in found["workers"]] == [
        ("w1", id_of(mine), f"DEV_{id_of(mine)}"),
        ("w2", id_of(mine), f"DEV_{id_of(mine)}"),
    ]
    require_documented(found, schemas.WorkersOverview)
    assert world.get("/v3/actors/admin/workers", "adm")["summary"]["actors_no_workers"] == 1


def test_executions_are_added_up(busy: tuple[World, str, str]) -> None:
    world, mine, theirs = busy
    found = world.get("/actors/v2/admin/executions", "adm")
    assert found["summary"] == {
        "totalActorsAll": 3,
        "totalActorsAllWithExecutions": 2,
        "totalExecutionsAll": 4,
        "totalExecutionRuntimeAll": 9,
        "totalExecutionCpuAll": 111,
        "totalExecutionIoAll": 215,
        "totalActorsExisting": 2,
        "totalActorsExistingWithExecutions": 1,
        "totalExecutionsExisting": 3,
        "totalExecutionRuntimeExisting": 6,
        "totalExecutionCpuExisting": 11,
        "totalExecutionIoExisting": 15,
    }
    assert found["actors"][0] == {
        "actorId": id_of(mine),
        "owner": "ada",
        "image": "abacosamples/test",
        "totalExecutions": 3,
        "totalExecutionCpu": 11,
        "totalExecutionIo": 15,
        "totalExecutionRuntime": 6,
    }
    assert found["actors"][1]["actorId"] == id_of(theirs)
    require_documented(found, schemas.ExecutionsOverview)
    assert world.get("/v3/actors/admin/executions", "adm")["actors"][0]["total_executions"] == 3


def test_every_user_sees_the_utilization_spelled_alike_everywhere(busy: tuple[World, str, str]) -> None:
    world, _, _ = busy
    expected = {"currentActors": 2, "totalActors": 3, "workers": 2, "commandQueue": 1}
    for user in ("lim", "eve@OTHER"):
        for root in ("/actors/v2", "/actors", "/v3/actors"):
            assert world.get(f"{root}/utilization", user) == expected
    require_documented(expected, schemas.Utilization)


@pytest.mark.parametrize("path", _ADMIN)
@pytest.mark.parametrize("user", ["ada", "lim", "pri", "eve@OTHER"])
def test_only_admins_see_everything(world: World, path: str, user: str) -> None:
    world.refuse("GET", path, user, saying="Abaco Admin role required")
    world.refuse("GET", path.replace("/actors/v2", "/v3/actors"), user, saying="Abaco Admin role required")


@pytest.mark.parametrize("path", [*_ADMIN, "/actors/v2/utilization"])
def test_strangers_nonces_and_executions_see_nothing(world: World, path: str) -> None:
    assert world.http.send("GET", path).status_code == 401
    actor = world.actor("adm")
    nonce = world.post(f"{actor}/nonces", "adm", json={})["id"]
    assert world.http.send("GET", f"{path}?x-nonce={nonce}").status_code == 400
    world.message(actor, user="adm")
    token = world.execution_token(world.claim(actor))
    assert world.http.send("GET", path, token=token).status_code == 400


def test_paths_that_only_look_like_administration_are_open(world: World) -> None:
    actor = world.actor()
    world.post("/actors/v2/aliases", json={"alias": "myadmin", "actorId": id_of(actor)})
    assert world.get("/actors/v2/myadmin")["id"] == id_of(actor)
