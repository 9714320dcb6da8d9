"""Messages whose request waits for the execution."""

import asyncio
from collections.abc import Callable, Sequence
from threading import Event
from typing import Any, cast

import httpx
import pytest
from anyio import to_thread

from abaco.api.threads import Threads
from abaco.api.waiting import Waiters
from abaco.domain.execution import Claim, not_run
from abaco.ports import EarlierSend, NewMessage
from abaco.store.mailbox import Mailbox

from .conftest import MakeWorld
from .world import World

SYNC = "/messages?_abaco_synchronous=true"
HEADER = "X-Abaco-Execution-Id"


def ask(world: World, actor: str, meanwhile: Callable[[Claim], None], **body: Any) -> httpx.Response:
    """Post a message whose request waits, and let `meanwhile` happen to its execution."""

    def happen() -> None:
        claim = world.claim(actor)
        meanwhile(claim)
        world.bells.hear({f"execution:{claim.execution_id}"})

    call = world.call("POST", actor + SYNC, **(body or {"json": {"message": "hi"}}))
    [answer] = world.http.send_together([call], happen)
    return answer


def test_the_first_result_is_the_answer_while_the_container_runs(world: World) -> None:
    answer = ask(world, world.actor(), lambda claim: world.send_results(claim, [b"\x00one", b"two"]))
    assert (answer.status_code, answer.content) == (200, b"\x00one")
    assert answer.headers["content-type"] == "application/octet-stream"
    execution = f"{world.get('/actors')[0]['_links']['self'][18:]}/executions/{answer.headers[HEADER]}"
    assert world.get(execution)["status"] == "RUNNING"
    assert world.send("GET", f"{execution}/results").content == b"two"


def test_a_result_that_was_taken_is_given_to_who_waits_though_the_wait_is_over() -> None:
    """Or nobody would ever have it."""
    begun, may_end, threads = Event(), Event(), Threads(1, "answer")

    def take() -> str:
        begun.set()
        assert may_end.wait(30)
        return "result"

    class LaterRung:
        is_closing = False
        rings = iter([False, True])

        async def wait(self, _seconds: float) -> bool:
            return next(self.rings)

    class Leaving:
        async def receive(self) -> dict[str, str]:
            await to_thread.run_sync(begun.wait, 30)
            asyncio.get_running_loop().call_later(0, may_end.set)  # once the wait is broken off
            return {"type": "http.disconnect"}

    async def main() -> object:
        return await Waiters(1).wait(cast("Any", Leaving()), cast("Any", LaterRung()), lambda: threads.call(take), 30)

    assert asyncio.run(main()) == "result"


def test_without_a_result_the_log_is_the_answer(world: World) -> None:
    answer = ask(world, world.actor(), lambda claim: world.close(claim, "Contents of MSG: hi\n"))
    assert (answer.status_code, answer.text) == (200, "Contents of MSG: hi\n")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == "sandbox"
    assert answer.headers[HEADER]


def test_an_empty_log_is_an_answer_too(world: World) -> None:
    assert ask(world, world.actor(), world.close).text == ""


def test_results_come_before_the_log(world: World) -> None:
    def send_and_end(claim: Claim) -> None:
        world.send_results(claim, [b""])
        world.close(claim, "log")

    answer = ask(world, world.actor(), send_and_end)
    assert (answer.content, answer.headers["content-type"]) == (b"", "application/octet-stream")


def test_an_execution_in_error_is_an_error_with_its_reason(world: World) -> None:
    failed = not_run("no such program", world.clock.now())
    answer = ask(world, world.actor(), lambda claim: world.close(claim, status=failed.status, error=failed.error))
    world.require_refused(answer, 500, "no such program")
    assert answer.headers["x-abaco-error-code"] == "execution_failed"
    assert answer.headers[HEADER]


def test_a_binary_message_may_be_waited_for(world: World) -> None:
    actor = world.actor()
    call = world.call("POST", actor + SYNC, content=b"data") | {"kind": "application/octet-stream"}

    def end() -> None:
        claim = world.claim(actor)
        world.close(claim, "read")
        world.bells.hear({f"execution:{claim.execution_id}"})

    [answer] = world.http.send_together([call], end)
    assert answer.text == "read"


@pytest.mark.parametrize("value", ["false", "1", "yes", ""])
def test_any_other_value_does_not_wait(world: World, value: str) -> None:
    assert world.post(f"{world.actor()}/messages?_abaco_synchronous={value}", json={"message": "hi"})["executionId"]


def test_the_case_of_true_does_not_matter_and_the_container_sees_it(world: World) -> None:
    actor = world.actor()
    call = world.call("POST", f"{actor}/messages?_abaco_synchronous=True", json={"message": "hi"})
    seen: list[Any] = []

    def end() -> None:
        claim = world.claim(actor)
        seen.append(claim.environment)
        world.close(claim)
        world.bells.hear({f"execution:{claim.execution_id}"})

    world.http.send_together([call], end)
    assert seen == [{"_abaco_synchronous": "True"}]


def test_it_is_refused_while_more_than_three_messages_wait(world: World) -> None:
    actor = world.actor()
    for _ in range(4):
        world.message(actor)
    world.refuse("POST", actor + SYNC, json={"message": "hi"}, saying="more than 3 messages wait")


def test_nobody_waits_for_an_actor_in_error(world: World) -> None:
    actor = world.actor()
    actor_id = actor.rpartition("/")[2]
    call = world.call("POST", actor + SYNC, json={"message": "hi"})

    def fail() -> None:
        world.store.actors.mark_error(actor_id, 1, "no such image", world.clock.now())

    [answer] = world.http.send_together([call], fail)
    assert (answer.status_code, answer.json()["result"]["executionId"]) == (202, answer.headers[HEADER])
    assert "no such image" in answer.json()["message"]
    assert world.get(f"{actor}/messages")["messages"] == 1
    world.refuse("POST", actor + SYNC, json={"message": "hi"}, saying="no such image")
    assert world.message(actor)


def test_a_wait_has_an_end(make_world: MakeWorld) -> None:
    world = make_world(sync_timeout_seconds=0.01)
    actor = world.actor()
    answer = world.send("POST", actor + SYNC, json={"message": "hi"})
    body = answer.json()
    assert (answer.status_code, body["status"]) == (202, "success")
    assert body["result"]["executionId"] == answer.headers[HEADER]
    assert world.get(f"{actor}/messages")["messages"] == 1


def test_nobody_holds_up_a_server_that_stops(world: World) -> None:
    call = world.call("POST", world.actor() + SYNC, json={"message": "hi"})
    [answer] = world.http.send_together([call], world.bells.close)
    assert answer.status_code == 202
    assert answer.json()["result"]["executionId"] == answer.headers[HEADER]


def test_a_lost_word_only_costs_time(world: World) -> None:
    """Nobody tells: the waiting request looks by itself."""
    actor = world.actor()
    call = world.call("POST", actor + SYNC, json={"message": "hi"})
    [answer] = world.http.send_together([call], lambda: world.close(world.claim(actor), "log"))
    assert answer.text == "log"


def test_places_to_wait_in_are_bounded_for_each_user(make_world: MakeWorld) -> None:
    """Two of eight places are as many as one user gets."""
    world = make_world(max_sync_waiting=8)
    mine, bobs = [world.actor() for _ in range(3)], world.actor("bob")
    calls = [world.call("POST", actor + SYNC, json={"message": "hi"}) for actor in mine]
    calls.append(world.call("POST", bobs + SYNC, "bob", json={"message": "hi"}))

    def end_all() -> None:
        for actor in (*mine, bobs):
            if world.store.mailbox.count(actor.rpartition("/")[2]):
                claim = world.claim(actor)
                world.close(claim)
                world.bells.hear({f"execution:{claim.execution_id}"})

    answers = world.http.send_together(calls, end_all, until=lambda: len(world.bells._bells) == 3)
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 503]
    assert answers[3].status_code == 200
    assert world.count("messages") == 0
    assert world.bells._bells == {}


def test_a_post_is_on_disk_before_anybody_hears_that_it_was_accepted(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P1: whoever waits for the execution hears of it when that has ended, or is told that it goes on."""
    synced: list[bool] = []
    add, sync = Mailbox.add, Mailbox.sync

    def noted_add(mailbox: Mailbox, new: Sequence[NewMessage], *, lasting: bool = True) -> dict[str, EarlierSend]:
        synced.append(lasting)
        return add(mailbox, new, lasting=lasting)

    def noted_sync(mailbox: Mailbox) -> None:
        sync(mailbox)
        synced.append(True)

    monkeypatch.setattr(Mailbox, "add", noted_add)
    monkeypatch.setattr(Mailbox, "sync", noted_sync)
    world = make_world(sync_timeout_seconds=0.01)
    actor = world.actor()
    world.message(actor)
    assert synced == [True]
    assert world.send("POST", actor + SYNC, json={"message": "hi"}).status_code == 202
    assert synced == [True, False, True]
