"""Queues and devices as the settings have them, in what actors may say."""

import pytest

from abaco.settings import QueueSettings

from .conftest import MakeWorld
from .world import World

IMAGE = "abacosamples/test"
GPU = "example.com/gpu=0"


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world(queues={"gpu": QueueSettings(max_workers=1, gpus=(GPU,)), "large": QueueSettings()})


def test_an_actor_belongs_to_a_queue_and_names_devices_of_it(world: World) -> None:
    given = {"image": IMAGE, "queue": "gpu", "gpus": [GPU]}
    actor = world.post("/actors", "pri", json=given)
    assert {name: actor[name] for name in given} == given
    assert world.get(f"/actors/{actor['id']}", "pri")["gpus"] == [GPU]
    assert world.post("/v3/actors", "pri", json={"image": IMAGE})["gpus"] == []


def test_moving_an_actor_makes_a_new_revision_and_leaving_it_none(world: World) -> None:
    actor = world.actor("pri", queue="large")
    moved = world.put(actor, "pri", json={"image": IMAGE, "queue": "gpu", "gpus": [GPU]})
    assert (moved["queue"], moved["revision"]) == ("gpu", 2)
    kept = world.put(actor, "pri", json={"image": IMAGE, "queue": "gpu", "gpus": [GPU], "description": "new"})
    assert kept["revision"] == 2
    back = world.put(actor, "pri", json={"image": IMAGE})
    assert (back["queue"], back["gpus"], back["revision"]) == ("default", [], 3)


@pytest.mark.parametrize(
    ("said", "saying"),
    [
        ({"queue": "special"}, "its queues are: default, gpu, large"),
        ({"gpus": [GPU]}, "'default'; its devices are: none"),
        ({"queue": "gpu", "gpus": ["example.com/gpu=1"]}, f"its devices are: {GPU}"),
        ({"queue": "gpu", "gpus": [GPU, GPU]}, "named twice"),
    ],
)
def test_what_the_server_does_not_have_is_refused(world: World, said: dict[str, object], saying: str) -> None:
    world.refuse("POST", "/actors", "adm", json={"image": IMAGE, **said}, saying=saying)
    world.refuse("PUT", world.actor("adm"), "adm", json={"image": IMAGE, **said}, saying=saying)


def test_devices_take_a_role(world: World) -> None:
    for body in ({"json": {"image": IMAGE, "gpus": [GPU]}}, {"data": {"image": IMAGE, "gpus": GPU}}):
        world.refuse("POST", "/actors", "lim", **body, saying="gpus may only be set by privileged or admin")


def test_actors_are_found_by_their_devices(world: World) -> None:
    found = world.post("/actors", "pri", json={"image": IMAGE, "queue": "gpu", "gpus": [GPU]})
    world.actor("pri")
    result = world.get("/actors/v2/search/actors?queue=gpu", "pri")
    assert [one["id"] for one in result["search"]] == [found["id"]]
    result = world.get(f"/actors/v2/search/actors?gpus.like={GPU.partition('=')[0]}", "pri")
    assert [one["id"] for one in result["search"]] == [found["id"]]
