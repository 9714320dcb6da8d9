"""Messages: what is posted to an actor's mailbox; each becomes one execution."""

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, BinaryIO, NamedTuple

import httpx

from abaco.client.answer import body_of, result_of
from abaco.client.connection import CONNECT_TIMEOUT, Connection, json_bytes, path
from abaco.client.record import Record
from abaco.client.sending import KEY_HEADER, PLACE, batches, fresh_key, sending_params
from abaco.errors import AbacoError, InvalidInput, Unavailable

__all__ = ["Messages", "Sent", "SentBatch", "binary_content"]

_NOT_SAID: Any = object()
_CHUNK_BYTES = 1 << 16


class Sent(Record, frozen=True, kw_only=True, rename="camel"):
    """The server's receipt of a message: it is stored, and `execution_id` names the execution it becomes."""

    execution_id: str
    msg: Any = None


class SentBatch(Record, frozen=True, kw_only=True, rename="camel"):
    """The receipt of many messages: they are stored, and become these executions, in order."""

    execution_ids: list[str]


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
        not_before: datetime | float | None = None,
        idempotency_key: str | None = None,
    ) -> Sent:
        """Post one message: `text`, or any `json` value, or binary `data` (a file is streamed, any size).

        `environment` sets variables of this one execution; after `max_run_time` seconds it is stopped, if the actor's
        own limit does not come first. It does not begin before `not_before`, a moment or seconds from now.

        The message has a key, a fresh one if none is given, so it is executed once however often it is sent: after
        network trouble that happens here, if it is no file. After Unavailable it may or may not have arrived. Raises
        InvalidInput unless exactly one kind of message is given, and for a message the wire cannot carry; KeyReused if
        the key was another message's.
        """
        message = _message(text, json, data)
        params = sending_params(environment, max_run_time, not_before)
        return Sent.from_wire(result_of(self._post(actor_id, message, params, idempotency_key)))

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
        idempotency_key: str | None = None,
    ) -> httpx.Response:
        """Post one message as `send` does; the server's answer, once there is one, as it came.

        It is the first result, the log of an execution without results, or (202) what `send` gets, because the server
        has waited long enough. Raises the error that it stands for, TimeoutError after `timeout` seconds (None: never).
        """
        message = _message(text, json, data)
        params = sending_params(environment, max_run_time) | {"_abaco_synchronous": "true"}
        waiting = httpx.Timeout(timeout, connect=CONNECT_TIMEOUT)
        try:
            response = self._post(actor_id, message, params, idempotency_key, waiting)
        except Unavailable as error:
            if isinstance(error.__cause__, httpx.ReadTimeout):
                raise TimeoutError(f"{actor_id} has not answered after {timeout:g} seconds") from error
            raise
        body_of(response)
        return response

    def send_many(
        self,
        actor_id: str,
        messages: Iterable[Any],
        *,
        environment: Mapping[str, str] | None = None,
        max_run_time: float | None = None,
        not_before: datetime | float | None = None,
        idempotency_key: str | None = None,
    ) -> list[str]:
        """Post many messages, in order; the ids of their executions.

        Each is a text, or any other JSON value, or a `Message`, which has variables, moment and key of its own; the
        other arguments are for all, as in `send`. Up to 10,000 go in one request; the server takes all of it or none.
        Raises what `send` raises; then nothing is known of those in later requests, and sending all again under the
        same `idempotency_key` posts none twice.
        """
        requests = self.send_batches(
            actor_id,
            messages,
            environment=environment,
            max_run_time=max_run_time,
            not_before=not_before,
            idempotency_key=idempotency_key or fresh_key(),
        )
        return [execution_id for ids in requests for execution_id in ids]

    def send_batches(
        self,
        actor_id: str,
        messages: Iterable[Any],
        *,
        environment: Mapping[str, str] | None = None,
        max_run_time: float | None = None,
        not_before: datetime | float | None = None,
        idempotency_key: str,
    ) -> Iterator[list[str]]:
        """As `send_many`: the ids of each request's executions, once its messages are stored.

        Who stops or fails in between can go on, with all messages, under the same key.
        """
        target = path("actors", "v2", actor_id, "messages", "batch")
        params = sending_params(environment, max_run_time, not_before)
        sent = 0
        for number, body in enumerate(batches(messages)):
            headers = {"Content-Type": "application/x-ndjson", KEY_HEADER: f"{idempotency_key}-{number}"}
            answer = self._connection.post_keyed(target, params=params, headers=headers, content=body)
            try:
                ids = SentBatch.from_wire(result_of(answer)).execution_ids
            except AbacoError as error:
                raise _counted_on(error, sent) from error
            yield ids
            sent += len(ids)

    def _post(
        self,
        actor_id: str,
        message: "_Content",
        params: Mapping[str, str],
        key: str | None,
        timeout: httpx.Timeout | None = None,
    ) -> httpx.Response:
        target = path("actors", "v2", actor_id, "messages")
        headers = {**message.headers, KEY_HEADER: fresh_key() if key is None else key}
        if isinstance(message.content, bytes):
            return self._connection.post_keyed(
                target, params=params, headers=headers, content=message.content, timeout=timeout
            )
        return self._connection.call(
            "POST", target, params=params, headers=headers, content=message.content, timeout=timeout
        )

    def count(self, actor_id: str) -> int:
        """How many messages wait, not counting those being executed."""
        return Mailbox.from_wire(self._connection.get(path(actor_id, "messages"))).messages

    def purge(self, actor_id: str) -> None:
        """Drop all waiting messages."""
        self._connection.delete(path(actor_id, "messages"))


def _counted_on(error: AbacoError, sent: int) -> AbacoError:
    """The error of a request, in which a message's place is that among all messages: `sent` come before it."""
    place = PLACE.match(error.message)
    return type(error)(f"messages[{int(place[1]) + sent}]{error.message[place.end() :]}") if place else error


class _Content(NamedTuple):
    content: bytes | Iterator[bytes]
    headers: dict[str, str]


def _message(text: str | None, json: Any, data: bytes | BinaryIO | None) -> _Content:
    if (text is not None) + (json is not _NOT_SAID) + (data is not None) != 1:
        raise InvalidInput("give one message: a text, or json=, or data=.")
    if data is not None:
        return _Content(*binary_content(data))
    body = _checked_json(json) if text is None else {"message": _checked_text(text)}
    return _Content(json_bytes(body), {"Content-Type": "application/json"})


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
