"""Results: raw bytes that executions hand back, first in, first out; each is taken once."""

from base64 import b64decode
from collections.abc import Callable, Iterator
from threading import Event
from typing import Any, NamedTuple

from abaco.client.connection import Connection, path
from abaco.client.polling import Clock
from abaco.errors import InternalError, Unavailable

__all__ = ["Followed", "FollowedResults", "Results"]

_PAUSES = (0.1, 0.4, 1.5, 3.0, 5.0, 5.0, 10.0, 10.0)
"""Seconds before each try to connect again; a restarting server is back within their sum."""


class Followed(NamedTuple):
    """A result of some execution of an actor, which stays at the server; later ones have higher numbers."""

    number: int
    execution_id: str
    data: bytes


class Results:
    """The results of executions: ``/actors/v2/{actor}/executions/{execution}/results``."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def pop(self, actor_id: str, execution_id: str) -> bytes:
        """Take the oldest result from the server; empty if there is none (yet). Nobody can read it again."""
        return self._connection.pop(path(actor_id, "executions", execution_id, "results"))

    def all(self, actor_id: str, execution_id: str) -> Iterator[bytes]:
        """Take the results that are there, one after the other, as they are asked for."""
        while result := self.pop(actor_id, execution_id):
            yield result

    def stored(self, actor_id: str, after: int = 0) -> list[Followed]:
        """The oldest results of all executions of the actor that nobody has taken, without taking them.

        `after` is the number of the last one that is known; empty if there are no others.
        """
        listed = self._connection.get(f"{path(actor_id, 'results')}?after={after}")
        return [_followed(each) for each in listed["results"]]

    def follow(
        self,
        actor_id: str,
        after: int = 0,
        on_open: Callable[[Callable[[], None]], None] = lambda _: None,
    ) -> Iterator[Followed | None]:
        """The results of all executions of the actor that nobody has taken, then each as soon as it is there, for ever.

        They stay at the server. `after` is the number of the last one that is known. None says that an execution may
        have ended without a result. A connection that breaks is made anew, and nothing is lost; each time `on_open`
        gets what another thread may call to break it. Raises Unavailable if the server stays away, NotFound if the
        actor is gone.
        """
        known, where, pauses = str(after), path(actor_id, "results"), iter(_PAUSES)
        while True:
            trouble: Unavailable | None = None
            try:
                for event in self._connection.events(where, {"follow": "true"}, known, on_open):
                    pauses = iter(_PAUSES)
                    known = event.identifier or known
                    yield _followed(event.data) if event.name == "result" else None
            except Unavailable as error:
                trouble = error
            pause = next(pauses, None)
            if pause is None:
                raise trouble or Unavailable("The server ends the results again and again: try later.")
            self._clock.sleep(pause)
            yield None  # what was said meanwhile is not said again


class FollowedResults:
    """The results of an actor as an iterator that another thread may close."""

    def __init__(self, results: Results, actor_id: str) -> None:
        self._closed = Event()
        self._hang_up: Callable[[], None] = lambda: None
        self._followed = results.follow(actor_id, on_open=self._opened)

    def __iter__(self) -> Iterator[Followed | None]:
        for each in self._followed:
            if self._closed.is_set():
                return
            yield each

    def close(self) -> None:
        self._closed.set()
        self._hang_up()

    def _opened(self, hang_up: Callable[[], None]) -> None:
        self._hang_up = hang_up
        if self._closed.is_set():
            hang_up()


def _followed(result: Any) -> Followed:
    try:
        return Followed(int(result["number"]), str(result["executionId"]), b64decode(result["data"]))
    except (TypeError, KeyError, ValueError) as error:
        raise InternalError(f"The server's results cannot be read ({error!r}): is it of this version?") from error
