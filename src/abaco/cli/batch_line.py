"""A line of `abaco send --batch`, and when a message is due. What servers refuse is found here, before any request.

The rules are those of `domain.environment` and `domain.send_key`, which the base install, with the client alone, does
not load.
"""

import json
import math
import re
from datetime import UTC, datetime
from typing import NamedTuple

from abaco.client import Message
from abaco.client.sending import batch_line
from abaco.errors import InvalidInput, TooLarge

__all__ = ["Line", "moment", "read_line"]

_FIELDS = {"message", "environment", "key", "notBefore", "not_before"}
_KEY = re.compile(r"[!-~](?:[ -~]{0,253}[!-~])?")
_MOST_BYTES = 131_071
"""Of NAME=VALUE: what Linux takes as one variable, as which a container gets its message."""
_MOMENT = "2026-11-26T09:30+01:00"


class Line(NamedTuple):
    """A message and the number of its line, from 1."""

    number: int
    message: Message


def moment(text: str | None) -> datetime | float | None:
    """What --not-before says: seconds from now, or ISO 8601; a moment without an offset is one of here."""
    if text is None:
        return None
    wrong = f"{text!r} is no time to wait for: give seconds from now, such as 90, or a moment, such as {_MOMENT}."
    try:
        seconds = float(text)
    except ValueError:
        try:
            return datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError):
            raise InvalidInput(wrong) from None
    if not 0 < seconds < math.inf:
        raise InvalidInput(wrong)
    return seconds


def read_line(number: int, text: bytes) -> Line:
    """Raises InvalidInput, naming the line, for what is no message."""
    try:
        message = _message(text)
        batch_line(message)  # refuses what JSON has not, such as NaN
        _require_sendable(message)
    except InvalidInput as error:
        raise type(error)(f"line {number} of --batch: {error}") from None
    return Line(number, message)


def _message(text: bytes) -> Message:
    """An object with a message in it says more about it; any other JSON value is the message."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"this is not JSON: {error}.") from None
    if not isinstance(value, dict) or "message" not in value:
        return Message(message=value)
    if unknown := sorted(value.keys() - _FIELDS):
        raise InvalidInput(
            f"it has a message, and {unknown[0]!r}, which is none of environment, key and notBefore: "
            'write {"message": {...}} around an object that is itself the message.',
        )
    environment = value.get("environment")
    if environment is not None and not isinstance(environment, dict):
        raise InvalidInput("environment is an object of variables.")
    due = value.get("notBefore", value.get("not_before"))
    return Message(
        message=value["message"],
        environment=environment or {},
        not_before=moment(str(due)) if due is not None else None,
        key=value.get("key"),
    )


def _require_sendable(message: Message) -> None:
    """Raise InvalidInput for what every server refuses: were it in a later request, earlier ones were taken by then."""
    value = message.message
    if value is None or value == "":
        raise InvalidInput("a message is a text that is not empty, or any JSON value but null.")
    if message.key is not None and not (isinstance(message.key, str) and _KEY.fullmatch(message.key)):
        raise InvalidInput("a key is a text of 1 to 255 printable ASCII characters, such as a UUID.")
    for name, text in _variables(message).items():
        if "=" in name or "\0" in name or "\0" in text:
            raise InvalidInput(f"{name[:80]!r} cannot be set: names have no '=', and no variable a NUL character.")
        if len(f"{name}={text}".encode()) > _MOST_BYTES:
            raise TooLarge(
                f"{name[:80]} takes more than the {_MOST_BYTES} bytes that a container is given as one text."
            )


def _variables(message: Message) -> dict[str, str]:
    """What its container is given of it: MSG is the message, as Python writes it, and for JSON that besides."""
    value = message.message
    carried = {"MSG": value if isinstance(value, str) else str(value)}
    if not isinstance(value, str):
        carried["_abaco_msg_json"] = json.dumps(value, ensure_ascii=False)
    return carried | {name: str(text) for name, text in message.environment.items()}
