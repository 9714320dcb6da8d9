"""The results of all executions of an actor: ``GET /actors/{id}/results``, and following them."""

import json
from base64 import b64decode
from collections.abc import Callable
from typing import Any

import anyio
import httpx

from abaco.domain.lifecycle import ExecutionStatus
from abaco.ports import ResultSent

from .test_following import nothing_happens
from .world import World


def send(world: World, claim: Any, *data: bytes) -> None:
    """What the engine does with results of a running execution."""
    sent = [ResultSent(claim.execution_id, claim.attempt, each) for each in data]
    expires_at = world.clock.now().replace(year=2030)
    for actor_id in world.store.results.append(sent, expires_at):
        world.bells.hear({f"results:{actor_id}"})


def follow(world: World, actor: str, *meanwhile: Callable[[], None], after: str = "") -> list[tuple[str, str, Any]]:
    """Ids, names and data of the events, while each of `meanwhile` happens once the follower waits again."""
    answers: list[httpx.Response] = []

    async def run() -> None:
        async with anyio.create_task_group() as tasks:

            async def ask() -> None:
                call = world.call("GET", f"{actor}/results?follow=true")
                answers.append(await world.http.send_async(**call, headers=[("Last-Event-ID", after)]))

            tasks.start_soon(ask)
            for happen in meanwhile:
                await nothing_happens()
                happen()
            await nothing_happens()
            world.bells.close()

    world.http.portal.call(run)
    events = []
    for block in answers[0].text.split("\n\n"):
        fields = dict(line.partition(": ")[::2] for line in block.splitlines())
        if "event" in fields:
            data = json.loads(fields["data"])
            events.append((fields["id"], fields["event"], data and b64decode(data["data"])))
    return events


def test_results_are_listed_and_stay(world: World) -> None:
    actor = world.actor()
    first, second = world.message(actor), world.message(actor)
    send(world, world.claim(actor), b"1", b"2")
    send(world, world.claim(actor), bytes(range(256)))
    for _ in range(2):
        listed = world.get(f"{actor}/results")["results"]
        assert [b64decode(each["data"]) for each in listed] == [b"1", b"2", bytes(range(256))]
    assert [each["executionId"] for each in listed] == [one.rpartition("/")[2] for one in (first, first, second)]
    assert world.get(f"{actor}/results?after={listed[1]['number']}")["results"] == listed[2:]
    other = world.actor()
    assert world.get(f"{other}/results")["results"] == []
    for after in ("-1", "x", "9" * 19, "٣"):
        world.refuse("GET", f"{actor}/results?after={after}", saying="leave it out")


def test_results_are_told_as_they_come(world: World) -> None:
    actor = world.actor()
    world.message(actor)
    claim = world.claim(actor)
    send(world, claim, b"before")
    seen = follow(world, actor, lambda: send(world, claim, b"a", b"b"), lambda: send(world, claim, b"c"))
    assert [data for _, _, data in seen] == [b"before", b"a", b"b", b"c"]
    assert {name for _, name, _ in seen} == {"result"}


def test_who_connects_again_gets_the_rest(world: World) -> None:
    actor = world.actor()
    world.message(actor)
    send(world, world.claim(actor), b"1", b"2", b"3")
    numbers = [str(each["number"]) for each in world.get(f"{actor}/results")["results"]]
    assert follow(world, actor, after=numbers[1]) == [(numbers[2], "result", b"3")]


def test_a_failure_makes_followers_look(world: World) -> None:
    actor = world.actor()
    world.message(actor)
    claim = world.claim(actor)

    def fail() -> None:
        world.close(claim, status=ExecutionStatus.ERROR)
        world.bells.hear({f"failed:{claim.actor.id}"})

    assert [name for _, name, _ in follow(world, actor, fail)] == ["look"]
