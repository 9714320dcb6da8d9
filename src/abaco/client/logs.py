"""Logs: what containers write to stdout and stderr."""

from collections.abc import Callable, Iterator

from abaco.client.connection import Connection, path
from abaco.client.polling import Clock
from abaco.client.record import Record
from abaco.errors import Unavailable

__all__ = ["Logs"]

_PAUSES = (0.1, 0.4, 1.5, 3.0, 5.0, 5.0)
"""Seconds before each try to connect again; a restarting server is back within their sum."""


class Log(Record, frozen=True, kw_only=True, rename="camel"):
    logs: str = ""


class Logs:
    """The logs of executions: ``/actors/v2/{actor}/executions/{execution}/logs``."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def get(self, actor_id: str, execution_id: str) -> str:
        """What has been written so far; empty also once the logs have expired."""
        return Log.from_wire(self._connection.get(path(actor_id, "executions", execution_id, "logs"))).logs

    def follow(self, actor_id: str, execution_id: str, on_restart: Callable[[], None] | None = None) -> Iterator[str]:
        """The text written so far, then whatever is added, as soon as it is there, until the execution has ended.

        A connection that breaks is made anew, and nothing is lost. `on_restart` is called where an attempt was lost
        with its server: what was yielded before is void, and the log starts over. Raises Unavailable if the server
        stays away.
        """
        where = path(actor_id, "executions", execution_id, "logs")
        pauses, known = iter(_PAUSES), ""
        while True:
            trouble: Unavailable | None = None
            try:
                for event in self._connection.events(where, {"follow": "true"}, known):
                    pauses = iter(_PAUSES)
                    known = event.identifier or known
                    if event.name == "log":
                        yield str(event.data)
                    elif event.name == "restart" and on_restart is not None:
                        on_restart()
                    elif event.name == "end":
                        return
            except Unavailable as error:
                trouble = error
            self._rest(pauses, trouble)

    def _rest(self, pauses: Iterator[float], trouble: Unavailable | None) -> None:
        """Before the next try; raises Unavailable if there was one too many."""
        pause = next(pauses, None)
        if pause is None:
            raise trouble or Unavailable("The server ends the log again and again: try later.")
        self._clock.sleep(pause)
