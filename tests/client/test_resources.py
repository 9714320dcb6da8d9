import json
from datetime import UTC, datetime
from typing import Any

import pytest

from abaco.client import Abaco
from abaco.errors import Conflict, InvalidInput, NotFound

from .fake_server import FakeClock, FakeServer


def becomes(*statuses: str) -> Any:
    """An `on_poll` that gives what is polled these statuses, one a poll."""
    coming = list(statuses)

    def poll(found: dict[str, Any]) -> None:
        if coming:
            found["status"] = coming.pop(0)

    return poll


def test_actor_is_typed_and_keeps_what_it_came_as(ab: Abaco, server: FakeServer) -> None:
    raw = server.add_actor("a", maxWorkers=3, defaultEnvironment={"A_b": "c"})
    actor = ab.actors.get("a")
    assert (actor.max_workers, actor.default_environment, actor.name) == (3, {"A_b": "c"}, None)
    assert actor.create_time == datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)
    assert actor.links["self"].endswith("/a")
    assert actor.raw == raw
    assert ab.actors.list() == [actor]


def test_add_sends_the_wires_names_and_only_what_was_said(ab: Abaco, server: FakeServer) -> None:
    ab.actors.add("i", default_environment={"some_var": 1}, use_container_uid=False, max_cpus=1)
    assert json.loads(server.requests[-1].content) == {
        "image": "i",
        "defaultEnvironment": {"some_var": 1},
        "useContainerUid": False,
        "maxCpus": 1,
    }


def test_misspelt_attributes_are_refused(ab: Abaco, server: FakeServer) -> None:
    with pytest.raises(InvalidInput, match="max_worker"):
        ab.actors.add("i", max_worker=1)  # type: ignore[call-overload]
    assert server.requests == []


def test_attributes_repeat_what_an_update_would_reset(ab: Abaco, server: FakeServer) -> None:
    server.add_actor("a", name="n", stateless=False, hints=["x"], logEx=60, state={"s": 1}, token="false")
    attributes = ab.actors.get("a").attributes()
    assert attributes["stateless"] is False
    assert (attributes["hints"], attributes["log_ex"]) == (("x",), 60)
    assert not {"name", "state", "token", "max_workers", "description"} & attributes.keys()
    server.actors["a"]["token"] = True
    assert ab.actors.get("a").attributes()["token"] is True


def test_waiting_for_an_actor_ends_with_error_too(ab: Abaco, server: FakeServer) -> None:
    server.add_actor("a", statusMessage="no such image")
    server.on_poll = becomes("SUBMITTED", "SUBMITTED", "ERROR")
    assert ab.actors.wait("a").status_message == "no such image"


def test_text_json_and_binary_messages(ab: Abaco, server: FakeServer) -> None:
    server.add_actor("a")
    assert ab.messages.send("a", "hi", environment={"K": "v w"}).execution_id == "Exec000000001"
    assert json.loads(server.requests[-1].content) == {"message": "hi"}
    assert dict(server.requests[-1].url.params) == {"K": "v w"}
    for value in ([1], 0, None, {"message": {"deep": 1}}, {"message": "", "other": 1}):
        ab.messages.send("a", json=value)
        assert json.loads(server.requests[-1].content) == value
    ab.messages.send("a", data=b"")
    assert server.requests[-1].headers["Content-Type"] == "application/octet-stream"
    assert server.requests[-1].headers["Content-Length"] == "0"


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"text": ""},
        {"text": "a", "json": None},
        {"json": {"message": "a", "lost": 1}},
        {"text": "a", "environment": {"message": "b"}},
        {"text": "a", "environment": {"_abaco_synchronous": "true"}},
        {"text": "a", "environment": {"": "b"}},
        {"text": "a", "environment": {"k": "\ud800"}},
    ],
)
def test_messages_the_wire_cannot_carry(ab: Abaco, server: FakeServer, message: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        ab.messages.send("a", **message)
    assert server.requests == []


def test_count_and_purge(ab: Abaco, server: FakeServer) -> None:
    server.add_actor("a")
    assert ab.messages.count("a") == 7
    ab.messages.purge("a")
    assert server.requests[-1].method == "DELETE"


def test_wait_tells_every_change_and_asks_ever_less_often(ab: Abaco, server: FakeServer, clock: FakeClock) -> None:
    server.add_actor("a")
    server.add_execution("a", "e", exitCode=3)
    server.on_poll = becomes(*["SUBMITTED"] * 5, *["RUNNING"] * 15, "COMPLETE")
    seen: list[str] = []
    execution = ab.executions.wait("a", "e", on_change=lambda found: seen.append(found.status))
    assert (execution.exit_code, seen) == (3, ["SUBMITTED", "RUNNING", "COMPLETE"])
    assert clock.slept[0] == 0.002
    assert clock.slept == sorted(clock.slept)
    assert clock.slept[-1] == 0.5


def test_wait_ends_on_error_and_after_its_timeout(ab: Abaco, server: FakeServer, clock: FakeClock) -> None:
    server.add_actor("a")
    server.add_execution("a", "e")
    with pytest.raises(TimeoutError, match="still SUBMITTED after 3 seconds"):
        ab.executions.wait("a", "e", timeout=3)
    assert clock.monotonic() == pytest.approx(3)
    server.executions["e"] |= {"status": "ERROR", "finalState": {"Error": "cannot start"}}
    assert ab.executions.wait("a", "e").reason == "cannot start"


def test_executions_are_listed_shown_and_halted(ab: Abaco, server: FakeServer) -> None:
    server.add_actor("a")
    server.add_execution("a", "e", status="RUNNING", finalState=None)
    assert [entry.id for entry in ab.executions.list("a").executions] == ["e"]
    assert ab.executions.get("a", "e").reason == ""
    ab.executions.halt("a", "e")
    server.executions["e"]["status"] = "COMPLETE"
    with pytest.raises(Conflict, match="COMPLETE"):
        ab.executions.halt("a", "e")
    with pytest.raises(NotFound):
        ab.executions.get("a", "f")


def test_results_are_popped_in_order(ab: Abaco, server: FakeServer) -> None:
    server.results["e"] = [b"1\x00", b"2", b"3"]
    assert ab.results.pop("a", "e") == b"1\x00"
    assert list(ab.results.all("a", "e")) == [b"2", b"3"]
    assert ab.results.pop("a", "e") == b""


@pytest.mark.parametrize("value", [0, "", False, {}, [], {"camelCase": {"snake_case": None}}])
def test_state_is_any_json_value(ab: Abaco, server: FakeServer, value: object) -> None:
    server.add_actor("a", stateless=False)
    assert ab.state.set("a", value).state == value
    assert ab.state.get("a") == value
