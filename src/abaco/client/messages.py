"""Messages: what is posted to an actor's mailbox; each becomes one execution."""

import os
import stat
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from abaco.client.connection import Connection, path
from abaco.client.record import Record
from abaco.errors import InvalidInput

__all__ = ["Messages", "Sent", "checked_environment", "content_of"]

_NOT_SAID: Any = object()
_CHUNK_BYTES = 1 << 16
# Query parameters that the server takes for itself instead of handing them to the container.
_RESERVED = frozenset({"message", "_abaco_synchronous"})


class Sent(Record, frozen=True, kw_only=True, rename="camel"):
    """The server's receipt of a message: it is stored, and `execution_id` names the execution it becomes."""

    execution_id: str
    msg: Any = None


class Mailbox(Record, frozen=True, kw_only=True, rename="camel"):
    messages: int


class Messages:
    """The mailboxes of actors: ``/actors/v2/{actor}/messages``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def send(
        self,
        actor_id: str,
        text: str | None = None,
        *,
        json: Any = _NOT_SAID,
        data: bytes | BinaryIO | None = None,
        environment: Mapping[str, str] | None = None,
        max_run_time: float | None = None,
    ) -> Sent:
        """Post one message: `text`, or any `json` value, or binary `data` (a file is streamed, any size).

        `environment` sets variables of this one execution; after `max_run_time` seconds it is stopped, if the actor's
        own limit does not come first. Not sent twice: after Unavailable the message may or
        may not have arrived. Raises InvalidInput unless exactly one kind of message is given, and for a message
        the wire cannot carry.
        """
        if (text is not None) + (json is not _NOT_SAID) + (data is not None) != 1:
            raise InvalidInput("give one message: a text, or json=, or data=.")
        variables = checked_environment(environment or {})
        if max_run_time is not None:
            variables["_abaco_max_run_time"] = f"{max_run_time:.15g}"
        where = path(actor_id, "messages")
        if data is not None:
            return Sent.from_wire(self._connection.upload(where, *content_of(data), variables))
        body = _checked_json(json) if text is None else {"message": _checked_text(text)}
        return Sent.from_wire(self._connection.post(where, body, variables))

    def count(self, actor_id: str) -> int:
        """How many messages wait, not counting those being executed."""
        return Mailbox.from_wire(self._connection.get(path(actor_id, "messages"))).messages

    def purge(self, actor_id: str) -> None:
        """Drop all waiting messages."""
        self._connection.delete(path(actor_id, "messages"))


def _checked_text(text: str) -> str:
    if not text:
        raise InvalidInput("an empty text is no message: send at least one character, or empty binary data.")
    return text


def _checked_json(value: Any) -> Any:
    """`value`, unless the server would take its key `message` for the whole message and drop the others."""
    if isinstance(value, dict) and value.get("message") and len(value) > 1:
        raise InvalidInput(
            "of a JSON object with a key 'message' only that key's value is delivered: rename the key, or leave "
            "the other keys out.",
        )
    return value


def checked_environment(environment: Mapping[str, Any]) -> dict[str, str]:
    """`environment` as it is sent. Raises InvalidInput for names that the server takes for itself."""
    for name in environment:
        if not name or name in _RESERVED:
            raise InvalidInput(f"{name!r} cannot be set as a variable of an execution: choose another name.")
    return {name: str(value) for name, value in environment.items()}


def content_of(data: bytes | BinaryIO) -> tuple[bytes | Iterator[bytes], int | None]:
    """The bytes to send and how many they are, if that can be told beforehand."""
    if isinstance(data, bytes):
        return data, len(data)
    return _chunks(data), _bytes_left(data)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK_BYTES):
        yield chunk


def _bytes_left(file: BinaryIO) -> int | None:
    """Only a regular file knows: a pipe says 0, and a file in memory has no descriptor."""
    try:
        status = os.fstat(file.fileno())
        return status.st_size - file.tell() if stat.S_ISREG(status.st_mode) else None
    except OSError:
        return None
