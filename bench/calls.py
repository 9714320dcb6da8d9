"""How long a caller waits: synchronous messages, warm ones, new actors; and how many warm calls a second."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http import HTTPStatus
from http.client import HTTPConnection

from bench.live import LiveServer

from abaco.client import Abaco

__all__ = ["Caller", "caller", "cold_times", "interleaved", "percentile", "warm_rate"]

_CALL = "_abaco_synchronous=true"


class Caller:
    """Calls one actor and waits for the answer, on one connection as scripts do.

    By the standard library's client: the ones that scripts use add a millisecond of their own.
    """

    def __init__(self, connection: HTTPConnection, server: LiveServer, actor_id: str, query: str) -> None:
        self._connection = connection
        self._path = f"/actors/v2/{actor_id}/messages?{_CALL}&{query}"
        self._headers = {
            "Authorization": f"Bearer {server.token}",
            "Content-Type": "application/x-www-form-urlencoded",
        }

    def __call__(self) -> None:
        self._connection.request("POST", self._path, b"message=hello", self._headers)
        answer = self._connection.getresponse()
        answer.read()
        assert answer.status == HTTPStatus.OK


@contextmanager
def caller(server: LiveServer, actor_id: str, query: str) -> Iterator[Caller]:
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
        yield Caller(connection, server, actor_id, query)


def interleaved(sides: dict[str, Callable[[], object]], rounds: int, block: int = 1) -> dict[str, list[float]]:
    """Seconds of each call by side; every side `block` times a round, after one call each that does not count."""
    for run in sides.values():
        run()
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, run in sides.items():
            for _ in range(block):
                started = time.perf_counter()
                run()
                times[name].append(time.perf_counter() - started)
    return times


def percentile(values: list[float], percent: float) -> float:
    """In milliseconds."""
    return sorted(values)[min(len(values) - 1, int(len(values) * percent / 100))] * 1000


def warm_rate(server: LiveServer, actor_id: str, callers: int, seconds: float) -> float:
    """Synchronous calls a second by several callers."""

    def call(_: int) -> int:
        with caller(server, actor_id, "") as one:
            end, count = time.monotonic() + seconds, 0
            while time.monotonic() < end:
                one()
                count += 1
        return count

    with ThreadPoolExecutor(callers) as threads:
        return sum(threads.map(call, range(callers))) / seconds


def cold_times(ab: Abaco, server: LiveServer, image: str, query: str, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds from registration to READY, and to the answer of a first message."""
    ready: list[float] = []
    answered: list[float] = []
    for _ in range(rounds):
        started = time.perf_counter()
        actor = ab.actors.add(image)
        while ab.actors.get(actor.id).status != "READY":
            time.sleep(0.002)
        ready.append(time.perf_counter() - started)
        with caller(server, actor.id, query) as call:
            call()
        answered.append(time.perf_counter() - started)
        ab.actors.delete(actor.id)
    return ready, answered
