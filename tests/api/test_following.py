"""Following logs: ``GET .../logs?follow=true`` as server-sent events."""

import json
from collections.abc import Callable
from typing import Any, cast

import anyio
import anyio.lowlevel
import anyio.to_thread
import httpx
import pytest

from abaco.domain.execution import Claim, not_run
from abaco.domain.permission import Level
from abaco.ports import LogAppended

from .conftest import MakeWorld
from .world import World

FOLLOW = "/logs?follow=true"
Event = tuple[str, Any]


def events(answer: httpx.Response) -> list[Event]:
    """Names and data of the events; the ids are checked."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert "content-length" not in answer.headers
    found = []
    for block in answer.text.removesuffix("\n\n").split("\n\n"):
        fields = dict(line.partition(": ")[::2] for line in block.splitlines())
        if "event" in fields:
            assert set(fields) == {"id", "event", "data"}
            found.append((fields["event"], json.loads(fields["data"])))
    return found


def ids(answer: httpx.Response) -> list[str]:
    return [line.removeprefix("id: ") for line in answer.text.splitlines() if line.startswith("id: ")]


def say(world: World, claim: Claim, text: str) -> None:
    """What the engine does with a piece of output."""
    world.store.logs.append([LogAppended(claim.execution_id, claim.attempt, text)])
    world.bells.hear({f"log:{claim.execution_id}"})


def end(world: World, claim: Claim, log: str = "", **outcome: Any) -> None:
    world.close(claim, log, **outcome)
    world.bells.hear({f"execution:{claim.execution_id}"})


def lose(world: World, claim: Claim) -> None:
    """The attempt's engine died."""
    world.store.claims.reclaim("engine1", world.clock.now(), max_attempts=None)
    world.bells.hear({f"execution:{claim.execution_id}"})


async def nothing_happens() -> None:
    """Until every request waits for something else than a thread."""
    limiter = anyio.to_thread.current_default_thread_limiter()
    await anyio.wait_all_tasks_blocked()
    while limiter.borrowed_tokens:
        await anyio.lowlevel.checkpoint()
        await anyio.wait_all_tasks_blocked()


def follow(
    world: World, execution: str, *meanwhile: Callable[[], None], user: str = "ada", **call: Any
) -> httpx.Response:
    """Follow the log and let each of `meanwhile` happen once the follower waits again."""
    together: list[httpx.Response] = []

    async def run() -> None:
        async with anyio.create_task_group() as tasks:

            async def ask() -> None:
                together.append(await world.http.send_async(**world.call("GET", execution + FOLLOW, user) | call))

            tasks.start_soon(ask)
            for happen in meanwhile:
                await nothing_happens()
                happen()

    world.http.portal.call(run)
    assert world.bells._bells == {}
    return together[0]


def test_a_waiting_execution_is_followed_to_its_end(world: World) -> None:
    actor = world.actor()
    execution = world.message(actor)
    claims: list[Claim] = []
    answer = follow(
        world,
        execution,
        lambda: claims.append(world.claim(actor)),
        lambda: say(world, claims[0], "one\n"),
        lambda: say(world, claims[0], 'tw"ö'),
        lambda: end(world, claims[0], "\r\nthree", exit_code=3),
    )
    assert events(answer) == [
        ("log", "one\n"),
        ("log", 'tw"ö'),
        ("log", "\r\nthree"),
        ("end", {"status": "COMPLETE", "exitCode": 3, "reason": ""}),
    ]
    assert ids(answer) == ["1:4", "1:8", "1:15", "1:15"]
    assert answer.text.startswith("retry: 1000\n\n")


def test_a_finished_one_is_told_whole_and_in_the_surfaces_spelling(world: World) -> None:
    actor = world.actor()
    execution = world.message(actor)
    world.close(world.claim(actor), "all of it")
    expected = [("log", "all of it"), ("end", {"status": "COMPLETE", "exit_code": 0, "reason": ""})]
    assert events(follow(world, execution.replace("/actors/v2", "/v3/actors"))) == expected


def test_an_expired_log_ends_at_once(world: World) -> None:
    actor = world.actor()
    execution = world.message(actor)
    world.close(world.claim(actor), "gone", lifetime_seconds=1)
    world.clock.advance(seconds=2)
    assert [name for name, _ in events(follow(world, execution))] == ["end"]


def test_a_long_log_comes_in_pieces(world: World) -> None:
    actor = world.actor()
    execution = world.message(actor)
    text = "".join(f"{number:06}\n" for number in range(20_000))
    world.close(world.claim(actor), text)
    answer = follow(world, execution)
    pieces = [data for name, data in events(answer) if name == "log"]
    assert [len(piece) for piece in pieces] == [65_536, 65_536, 8_928]
    assert "".join(pieces) == text


def test_following_goes_on_where_it_was_cut_off(world: World) -> None:
    actor = world.actor()
    execution = world.message(actor)
    world.close(world.claim(actor), "0123456789")
    for known, rest in (("1:4", "456789"), ("4", "456789"), ("1:10", None), ("1:999", None), ("0:0", "0123456789")):
        found = dict(events(follow(world, execution, headers=[("Last-Event-ID", known)])))
        assert found.get("log") == rest
        assert "restart" not in found


@pytest.mark.parametrize("known", ["x", "-1", "1:2:3", "1" * 20, "1.5"])
def test_what_is_no_event_id_is_refused(world: World, known: str) -> None:
    """P7"""
    execution = world.message(world.actor())
    world.refuse("GET", execution + FOLLOW, headers=[("Last-Event-ID", known)], saying="Last-Event-ID")


def test_a_lost_attempt_starts_the_log_over(world: World) -> None:
    """P4: what it said is void."""
    execution, answer = follow_lost(world, "in vain", "at last")
    assert events(answer)[:3] == [("log", "in vain"), ("restart", {"attempts": 1}), ("log", "at last")]
    resumed = follow(world, execution, headers=[("Last-Event-ID", "1:7")])
    assert events(resumed)[:2] == [("restart", {"attempts": 2}), ("log", "at last")]
    assert ids(resumed)[:2] == ["2:0", "2:7"]


def follow_lost(world: World, in_vain: str, again: str, **call: Any) -> tuple[str, httpx.Response]:
    """An execution whose first attempt is lost, and what is told to who follows it."""
    actor = world.actor()
    execution = world.message(actor)
    claims = [world.claim(actor)]
    answer = follow(
        world,
        execution,
        lambda: say(world, claims[0], in_vain),
        lambda: lose(world, claims[0]),
        lambda: claims.append(world.claim(actor)),
        lambda: end(world, claims[1], again),
        **call,
    )
    return execution, answer


def test_in_plain_text_a_log_is_told_as_it_is(world: World) -> None:
    _, answer = follow_lost(world, 'tw"ö', "three\n", headers=[("Accept", "text/plain")])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert answer.text == 'tw"ö\n--- The attempt was lost: the log above is void, and starts over. ---\nthree\n'


@pytest.mark.parametrize("accepted", ["*/*", "application/json, text/plain, */*", "text/event-stream, text/plain"])
def test_who_would_take_other_forms_too_gets_events(world: World, accepted: str) -> None:
    actor = world.actor()
    execution = world.message(actor)
    world.close(world.claim(actor), "all of it")
    assert events(follow(world, execution, headers=[("Accept", accepted)]))[0] == ("log", "all of it")


def test_what_could_not_run_says_why(world: World) -> None:
    actor = world.actor()
    execution = world.message(actor)
    claim = world.claim(actor)
    failed = not_run("no such program", world.clock.now())
    answer = follow(
        world, execution, lambda: end(world, claim, status=failed.status, error=failed.error, exit_code=None)
    )
    assert events(answer) == [("end", {"status": "ERROR", "exitCode": None, "reason": "no such program"})]


def test_who_waits_for_a_dropped_message_is_told_at_once(world: World) -> None:
    actor = world.actor()
    execution = world.message(actor)

    async def follow_and_purge() -> httpx.Response:
        answers = []

        async def ask() -> None:
            answers.append(await world.http.send_async(**world.call("GET", execution + FOLLOW)))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            await nothing_happens()
            await world.http.send_async(**world.call("DELETE", f"{actor}/messages"))
        return answers[0]

    [(name, data)] = events(world.http.portal.call(follow_and_purge))
    assert (name, data["status"]) == ("end", "ERROR")
    assert "purged" in data["reason"]


def test_the_stream_ends_with_the_permission(world: World) -> None:
    """P6: without an event; whoever comes again is refused."""
    actor = world.actor()
    actor_id = actor.rpartition("/")[2]
    world.store.permissions.grant(actor_id, "bob", Level.READ)
    execution = world.message(actor)
    claim = world.claim(actor)

    def revoke() -> None:
        world.store.permissions.grant(actor_id, "bob", Level.NONE)
        say(world, claim, "secret")

    assert events(follow(world, execution, revoke, user="bob")) == []
    world.refuse("GET", execution + FOLLOW, "bob", saying="Not authorized")
    world.refuse("GET", f"{actor}/executions/unknown{FOLLOW}", status=404)


def test_the_stream_ends_when_the_server_stops(world: World) -> None:
    execution = world.message(world.actor())
    assert events(follow(world, execution, world.bells.close)) == []


def test_a_silent_stream_shows_that_it_is_alive(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("abaco.api.following.HEARTBEAT_SECONDS", 0.01)
    actor = world.actor()
    execution = world.message(actor)
    claim = world.claim(actor)
    # Nobody tells of the end: the follower looks by itself now and then.
    answer = follow(world, execution, lambda: world.close(claim))
    assert events(answer)[-1][0] == "end"


def test_head_shows_what_would_come_and_does_not_wait(world: World) -> None:
    execution = world.message(world.actor())
    answer = world.send("HEAD", execution + FOLLOW)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"].startswith("text/event-stream")


def test_not_following_is_getting_the_log(world: World) -> None:
    execution = world.message(world.actor())
    assert world.get(execution + "/logs?follow=false")["logs"] == ""
    assert "search" in world.get(execution + "/logs?follow=false&limit=1")
    world.refuse("GET", execution + "/logs?follow=maybe", saying="follow must be true or false")


def test_followers_are_bounded_for_each_user(make_world: MakeWorld) -> None:
    """Two of eight places are as many as one user gets."""
    world = make_world(max_followers=8)
    actor = world.actor()
    execution = world.message(actor)
    calls = [world.call("GET", execution + FOLLOW) for _ in range(3)]
    calls.append(world.call("GET", execution + FOLLOW, "adm"))
    claim = world.claim(actor)
    answers = world.http.send_together(calls, lambda: end(world, claim, "log"))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 503]
    assert answers[3].status_code == 200
    assert world.bells._bells == {}
    assert [answer.status_code for answer in world.http.send_together(calls[:2], lambda: None)] == [200, 200]


def test_a_follower_who_goes_away_frees_everything(world: World) -> None:
    execution = world.message(world.actor())

    async def go_away() -> None:
        async with anyio.create_task_group() as tasks:
            gone = anyio.Event()
            sent: list[Any] = []

            async def receive() -> dict[str, Any]:
                if not sent:
                    return {"type": "http.request", "body": b"", "more_body": False}
                await gone.wait()
                return {"type": "http.disconnect"}

            async def send(message: Any) -> None:
                sent.append(message)

            scope = {
                "type": "http",
                "asgi": {"version": "3.0"},
                "http_version": "1.1",
                "method": "GET",
                "path": execution + "/logs",
                "raw_path": (execution + "/logs").encode(),
                "query_string": b"follow=true",
                "headers": [(b"authorization", f"Bearer {world.tokens['ada']}".encode())],
                "client": ("127.0.0.1", 1),
                "server": ("abaco.test", 80),
                "scheme": "http",
            }
            tasks.start_soon(cast("Any", world.http.app), scope, receive, send)
            await nothing_happens()
            assert len(world.bells._bells) == 3
            gone.set()
        assert world.bells._bells == {}

    world.http.portal.call(go_away)
