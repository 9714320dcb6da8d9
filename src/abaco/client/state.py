"""State: the data that a stateful actor keeps from one execution to the next."""

from typing import Any

from abaco.client.actors import Actor
from abaco.client.connection import Connection, path
from abaco.client.record import Record

__all__ = ["State"]


class Landed(Record, frozen=True, kw_only=True, rename="camel"):
    state: Any = None


class State:
    """The state of actors: ``/actors/v2/{actor}/state``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, actor_id: str) -> Any:
        """The state that the last ended execution, or `set`, left: any JSON value."""
        return Landed.from_wire(self._connection.get(path(actor_id, "state"))).state

    def set(self, actor_id: str, value: Any) -> Actor:
        """Replace the whole state by `value`. Raises NotFound for a stateless actor, which has none."""
        return Actor.from_wire(self._connection.post(path(actor_id, "state"), value))
