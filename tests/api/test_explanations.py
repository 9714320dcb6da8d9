"""Where the time of executions goes, and why they wait or how they ended."""

from datetime import timedelta
from typing import Any

from abaco.domain.execution import StopReason

from .world import START, World

NULLS = dict.fromkeys(("claimed", "prepared", "started", "firstOutput", "exited", "recorded"))


def explained(world: World, execution: str, user: str = "ada") -> Any:
    return world.get(f"{execution}/explain", user)


def engine(world: World) -> None:
    world.store.engines.register("engine1", "host:/data", world.clock.now(), world.clock.now() + timedelta(hours=1))


def test_every_execution_shows_its_times(world: World) -> None:
    actor = world.actor()
    execution = world.message(actor)
    shown = world.get(execution)
    assert shown["times"] == {"queued": "2026-04-29T21:46:53.007Z", **NULLS}
    assert set(shown["durations"].values()) == {None}
    world.clock.advance(milliseconds=20)
    claim = world.claim(actor)
    assert world.get(execution)["times"]["claimed"] == "2026-04-29T21:46:53.027Z"
    prepared_at, started_at, heard_at = (world.clock.now() + timedelta(milliseconds=n) for n in (5, 30, 80))
    world.close(claim, prepared_at=prepared_at, started_at=started_at, first_output_at=heard_at)
    shown = world.get(execution.replace("/actors/v2", "/v3/actors"))
    assert shown["times"] == {
        "queued": "2026-04-29T21:46:53.007Z",
        "claimed": "2026-04-29T21:46:53.027Z",
        "prepared": "2026-04-29T21:46:53.032Z",
        "started": "2026-04-29T21:46:53.057Z",
        "first_output": "2026-04-29T21:46:53.107Z",
        "exited": "2026-04-29T21:46:56.027Z",
        "recorded": "2026-04-29T21:46:56.027Z",
    }
    assert shown["durations"] == {
        "waiting": 20,
        "preparing": 5,
        "starting": 25,
        "running": 2970,
        "until_output": 50,
        "recording": 0,
        "total": 3020,
    }


def test_why_it_waits_changes_as_things_happen(world: World) -> None:
    actor = world.actor()
    execution = world.message(actor)
    assert explained(world, execution)["code"] == "no_engine"
    engine(world)
    world.clock.advance(seconds=1.5)
    found = explained(world, execution)
    assert (found["code"], found["status"], found["messagesBefore"]) == ("preparing_image", "SUBMITTED", 0)
    assert (found["waitsFor"], found["until"]) == (None, None)
    assert found["durations"]["waiting"] == found["durations"]["total"] == 1500
    assert found["_links"] == world.get(execution)["_links"]
    world.store.actors.mark_error(actor.rpartition("/")[2], 1, "no such image", START)
    assert "no such image" in explained(world, execution)["reason"]
    world.store.actors.mark_ready(actor.rpartition("/")[2], 1, START)
    second = world.message(actor)
    assert explained(world, second)["messagesBefore"] == 1
    claim = world.claim(actor)
    found = explained(world, execution)
    assert (found["code"], found["messagesBefore"]) == ("running", None)
    world.close(claim, reason=StopReason.OUT_OF_MEMORY, exit_code=137)
    assert explained(world, execution)["code"] == "out_of_memory"
    world.send("DELETE", f"{actor}/messages")
    found = explained(world, second)
    assert (found["code"], found["status"]) == ("not_run", "ERROR")
    assert "purged" in found["reason"]


def test_a_stateful_actor_names_the_execution_that_is_waited_for(world: World) -> None:
    actor = world.actor(stateless=False)
    engine(world)
    world.store.actors.mark_ready(actor.rpartition("/")[2], 1, START)
    first, second = world.message(actor), world.message(actor)
    world.claim(actor)
    found = explained(world, second.replace("/actors/v2", "/v3/actors"))
    assert (found["code"], found["waits_for"]) == ("stateful_busy", first.rpartition("/")[2])


def test_only_readers_are_told(world: World) -> None:
    """P6"""
    execution = world.message(world.actor())
    world.refuse("GET", f"{execution}/explain", "bob", saying="Not authorized")
    world.refuse("GET", f"{execution[:-3]}xyz/explain", status=404)
