"""Messages: what is posted to an actor's mailbox; each becomes one execution."""

import os
import stat
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

import httpx

from abaco.client.answer import body_of, result_of
from abaco.client.connection import CONNECT_TIMEOUT, Connection, json_bytes, path
from abaco.client.record import Record
from abaco.errors import InvalidInput, Unavailable

__all__ = ["Messages", "Sent", "binary_content", "checked_environment"]

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
        message = _message(text, json, data)
        params = _params(environment, max_run_time)
        return Sent.from_wire(result_of(self._post(actor_id, message, params)))

    def ask(
        self,
        actor_id: str,
        text: str | None = None,
        *,
        json: Any = _NOT_SAID,
        data: bytes | BinaryIO | None = None,
        environment: Mapping[str, str] | None = None,
        max_run_time: float | None = None,
        timeout: float | None = None,
    ) -> httpx.Response:
        """Post one message as `send` does; the server's answer, once there is one, as it came.

        It is the first result, the log of an execution without results, or (202) what `send` gets, because the server
        has waited long enough. Raises the error that it stands for, TimeoutError after `timeout` seconds (None: never).
        """
        message = _message(text, json, data)
        params = _params(environment, max_run_time) | {"_abaco_synchronous": "true"}
        try:
            response = self._post(actor_id, message, params, httpx.Timeout(timeout, connect=CONNECT_TIMEOUT))
        except Unavailable as error:
            if isinstance(error.__cause__, httpx.ReadTimeout):
                raise TimeoutError(f"{actor_id} has not answered after {timeout:g} seconds") from error
            raise
        body_of(response)
        return response

    def _post(
        self,
        actor_id: str,
        message: "_Message",
        params: Mapping[str, str],
        timeout: httpx.Timeout | None = None,
    ) -> httpx.Response:
        return self._connection.call(
            "POST",
            path("actors", "v2", actor_id, "messages"),
            params=params,
            headers=message.headers,
            content=message.content,
            timeout=timeout,
        )

    def count(self, actor_id: str) -> int:
        """How many messages wait, not counting those being executed."""
        return Mailbox.from_wire(self._connection.get(path(actor_id, "messages"))).messages

    def purge(self, actor_id: str) -> None:
        """Drop all waiting messages."""
        self._connection.delete(path(actor_id, "messages"))


class _Message(NamedTuple):
    content: bytes | Iterator[bytes]
    headers: dict[str, str]


def _message(text: str | None, json: Any, data: bytes | BinaryIO | None) -> _Message:
    if (text is not None) + (json is not _NOT_SAID) + (data is not None) != 1:
        raise InvalidInput("give one message: a text, or json=, or data=.")
    if data is not None:
        return _Message(*binary_content(data))
    body = _checked_json(json) if text is None else {"message": _checked_text(text)}
    return _Message(json_bytes(body), {"Content-Type": "application/json"})


def _params(environment: Mapping[str, str] | None, max_run_time: float | None) -> dict[str, str]:
    variables = checked_environment(environment or {})
    if max_run_time is not None:
        variables["_abaco_max_run_time"] = f"{max_run_time:.15g}"
    return variables


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


def binary_content(data: bytes | BinaryIO) -> tuple[bytes | Iterator[bytes], dict[str, str]]:
    """The bytes to send and the headers that describe them, their length among them if it is known beforehand."""
    headers = {"Content-Type": "application/octet-stream"}
    length = len(data) if isinstance(data, bytes) else _bytes_left(data)
    if length is not None:
        headers["Content-Length"] = str(length)
    return (data if isinstance(data, bytes) else _chunks(data)), headers


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK_BYTES):
        if not isinstance(chunk, bytes):
            raise InvalidInput("this file is read as text: open it with the mode 'rb'.")
        yield chunk


def _bytes_left(file: BinaryIO) -> int | None:
    """Only a regular file knows: a pipe says 0, and a file in memory has no descriptor."""
    try:
        status = os.fstat(file.fileno())
        return status.st_size - file.tell() if stat.S_ISREG(status.st_mode) else None
    except OSError:
        return None
