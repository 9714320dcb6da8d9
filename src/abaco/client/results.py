"""Results: raw bytes that executions hand back, first in, first out; each is read once."""

from collections.abc import Iterator

from abaco.client.connection import Connection, path

__all__ = ["Results"]


class Results:
    """The results of executions: ``/actors/v2/{actor}/executions/{execution}/results``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def pop(self, actor_id: str, execution_id: str) -> bytes:
        """Take the oldest result from the server; empty if there is none (yet). Nobody can read it again."""
        return self._connection.pop(path(actor_id, "executions", execution_id, "results"))

    def all(self, actor_id: str, execution_id: str) -> Iterator[bytes]:
        """Take the results that are there, one after the other, as they are asked for."""
        while result := self.pop(actor_id, execution_id):
            yield result
