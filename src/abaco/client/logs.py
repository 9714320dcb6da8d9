"""Logs: what containers write to stdout and stderr."""

from collections.abc import Iterator

from abaco.client.connection import Connection, path
from abaco.client.executions import TERMINAL, Executions
from abaco.client.polling import Clock, pauses
from abaco.client.record import Record

__all__ = ["Logs"]


class Log(Record, frozen=True, kw_only=True, rename="camel"):
    logs: str = ""


class Logs:
    """The logs of executions: ``/actors/v2/{actor}/executions/{execution}/logs``."""

    def __init__(self, connection: Connection, executions: Executions, clock: Clock) -> None:
        self._connection = connection
        self._executions = executions
        self._clock = clock

    def get(self, actor_id: str, execution_id: str) -> str:
        """What has been written so far; empty also once the logs have expired."""
        return Log.from_wire(self._connection.get(path(actor_id, "executions", execution_id, "logs"))).logs

    def follow(self, actor_id: str, execution_id: str) -> Iterator[str]:
        """The text written so far, then whatever is added, until the execution has ended."""
        seen = 0
        delays = pauses()
        while True:
            # The status is read first: logs are complete before it says so, hence nothing can be missed.
            ended = self._executions.get(actor_id, execution_id).status in TERMINAL
            added = self.get(actor_id, execution_id)[seen:]
            if added:
                yield added
                seen += len(added)
                delays = pauses()
            if ended:
                return
            self._clock.sleep(next(delays))
