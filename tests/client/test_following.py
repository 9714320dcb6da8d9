"""Following a log: events, broken connections, lost attempts."""

import httpx
import pytest

from abaco.client import Abaco
from abaco.client.events import ServerEvent, events_of
from abaco.errors import InternalError, NotFound, Unavailable

from .fake_server import FakeClock, FakeServer, event

END = event("end", {"status": "COMPLETE"}, "1:9")
OPENING = b"retry: 1000\n\n"


@pytest.fixture(autouse=True)
def execution(server: FakeServer) -> None:
    server.add_actor("a")
    server.add_execution("a", "e")


def test_pieces_are_yielded_as_they_were_written(ab: Abaco, server: FakeServer) -> None:
    texts = ["one\n", "tw\r", "\u2028\x85\u0000 ö"]
    server.streams = [OPENING + b"".join(event("log", text, "1:1") for text in texts) + END]
    assert list(ab.logs.follow("a", "e")) == texts
    request = server.requests[-1]
    assert dict(request.url.params) == {"follow": "true"}
    assert "Last-Event-ID" not in request.headers


def test_a_broken_connection_is_made_anew_where_it_broke(ab: Abaco, server: FakeServer, clock: FakeClock) -> None:
    first = event("log", "one", "1:3") + b": still there\n\n" + event("log", "three", "1:10")[:-10]
    server.streams = [first, OPENING, event("log", "two", "1:6") + END]
    assert list(ab.logs.follow("a", "e")) == ["one", "two"]
    assert [request.headers.get("Last-Event-ID") for request in server.requests] == [None, "1:3", "1:3"]
    assert clock.slept == [0.1, 0.4]


def test_a_server_that_stays_away_is_unavailable(ab: Abaco, server: FakeServer, clock: FakeClock) -> None:
    server.streams = [event("log", "one", "1:3")]
    follower = ab.logs.follow("a", "e")
    assert next(follower) == "one"
    server.failures = [httpx.ConnectError("refused") for _ in range(20)]
    with pytest.raises(Unavailable, match="refused"):
        next(follower)
    assert clock.monotonic() == 15


def test_streams_without_any_event_are_not_tried_for_ever(ab: Abaco, server: FakeServer) -> None:
    server.streams = [OPENING] * 20
    with pytest.raises(Unavailable, match="again and again"):
        list(ab.logs.follow("a", "e"))


def test_a_lost_attempt_is_told(ab: Abaco, server: FakeServer) -> None:
    lost: list[bool] = []
    again = event("restart", {"attempts": 2}, "2:0") + event("log", "y", "2:1")
    server.streams = [event("log", "x", "1:1") + again + END]
    assert list(ab.logs.follow("a", "e", lambda: lost.append(True))) == ["x", "y"]
    assert lost == [True]


def test_what_the_server_refuses_is_raised(ab: Abaco, server: FakeServer) -> None:
    with pytest.raises(InternalError, match="answered 200 with application/json"):
        list(ab._connection.events("/a", {}, ""))
    with pytest.raises(NotFound):
        list(ab._connection.events("/unknown", {}, ""))


def test_events_are_read_whatever_the_pieces_they_come_in() -> None:
    data = OPENING + event("log", "ö\u2028", "1:2") + b": still there\n\n" + END + b"id: 9\nevent: log\n"
    expected = [
        ServerEvent("log", "1:2", "ö\u2028"),
        ServerEvent(),
        ServerEvent("end", "1:9", {"status": "COMPLETE"}),
    ]
    assert list(events_of([data])) == expected
    assert list(events_of(data[n : n + 1] for n in range(len(data)))) == expected
    with pytest.raises(InternalError, match="cannot be read"):
        list(events_of([b"event: log\ndata: {\n\n"]))
