"""What goes along with messages: variables, moments, keys; and how many of them become requests."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from abaco.client.connection import json_bytes
from abaco.errors import InvalidInput

__all__ = [
    "KEY_HEADER",
    "PLACE",
    "Message",
    "batch_line",
    "batches",
    "checked_environment",
    "fresh_key",
    "sending_params",
]

KEY_HEADER = "Idempotency-Key"
PLACE = re.compile(r"^messages\[([0-9]+)\](?=: )")
"""How an error says which of many messages is wrong."""
# Query parameters that the server takes for itself instead of handing them to the container.
_RESERVED = frozenset({"message", "_abaco_synchronous"})
_MOST_MESSAGES = 10_000
_MOST_BYTES = 32 * 1024**2
"""Half of what servers take by default."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One of many: a text or any other JSON value but None, its variables, when it is due, and its key."""

    message: Any
    environment: Mapping[str, Any] = field(default_factory=dict)
    not_before: datetime | float | None = None
    key: str | None = None


def fresh_key() -> str:
    return uuid4().hex


def sending_params(
    environment: Mapping[str, Any] | None, max_run_time: float | None, not_before: datetime | float | None = None
) -> dict[str, str]:
    """What is said of a message in the query string."""
    variables = checked_environment(environment or {})
    if max_run_time is not None:
        variables["_abaco_max_run_time"] = f"{max_run_time:.15g}"
    if not_before is not None:
        variables["_abaco_not_before"] = _moment(not_before)
    return variables


def _moment(not_before: datetime | float) -> str:
    """As the server reads it; a moment without a time zone is one of here."""
    if isinstance(not_before, datetime):
        return not_before.astimezone(UTC).isoformat()
    return f"{not_before:f}"


def checked_environment(environment: Mapping[str, Any]) -> dict[str, str]:
    """`environment` as it is sent. Raises InvalidInput for names that the server takes for itself."""
    for name in environment:
        if not name or name in _RESERVED:
            raise InvalidInput(f"{name!r} cannot be set as a variable of an execution: choose another name.")
    return {name: str(value) for name, value in environment.items()}


def batches(messages: Iterable[Any]) -> Iterator[bytes]:
    """The bodies of the requests that many messages become: JSON lines."""
    lines: list[bytes] = []
    size = 0
    for message in messages:
        line = batch_line(message)
        if lines and (len(lines) == _MOST_MESSAGES or size + len(line) > _MOST_BYTES):
            yield b"\n".join(lines)
            lines, size = [], 0
        lines.append(line)
        size += len(line) + 1
    if lines:
        yield b"\n".join(lines)


def batch_line(message: Any) -> bytes:
    """One of many messages as it is sent. Raises InvalidInput for what cannot be."""
    one = message if isinstance(message, Message) else Message(message=message)
    if isinstance(one.message, bytes | bytearray | memoryview) or hasattr(one.message, "read"):
        raise InvalidInput("binary messages are sent one by one: use send().")
    fields: dict[str, Any] = {"message": one.message}
    if one.environment:
        fields["environment"] = checked_environment(one.environment)
    if one.not_before is not None:
        fields["notBefore"] = _moment(one.not_before)
    if one.key is not None:
        fields["key"] = one.key
    return json_bytes(fields)
