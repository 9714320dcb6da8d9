"""`abaco send --batch`: many messages from a file, and when they are due."""

import json
import sys
from contextlib import ExitStack
from datetime import datetime
from typing import Any

import typer

from abaco.cli.output import Format, report
from abaco.client import Message
from abaco.errors import InvalidInput

__all__ = ["messages_in", "moment", "print_sent", "require_nothing_else"]

_STDIN = "-"
_FIELDS = {"message", "environment", "key", "notBefore", "not_before"}


def moment(text: str | None) -> datetime | float | None:
    """What --not-before says: seconds from now, or ISO 8601; a moment without an offset is one of here."""
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        told = "seconds from now, such as 90, or a moment, such as 2026-11-26T09:30+01:00"
        raise InvalidInput(f"{text!r} is no time to wait for: give {told}.") from None


def require_nothing_else(*, text: str | None, json_text: str | None, file: str | None, wait: bool) -> None:
    """Raise InvalidInput for what does not go with --batch."""
    given = {"TEXT": text, "--json": json_text, "--file": file, "--wait": wait or None}
    others = [name for name, value in given.items() if value is not None]
    if others:
        raise InvalidInput(f"--batch sends what is in its file: leave {' and '.join(others)} out.")


def messages_in(stack: ExitStack, file: str) -> list[Message]:
    """The messages in the lines of a file; `stack` closes it."""
    try:
        lines = sys.stdin.buffer if file == _STDIN else stack.enter_context(open(file, "rb"))  # noqa: PTH123, SIM115
        messages = [_message(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    except (OSError, ValueError) as error:
        raise InvalidInput(f"--batch cannot be read: {error}.") from error
    if not messages:
        raise InvalidInput("--batch has no line with a message.")
    return messages


def _message(number: int, line: bytes) -> Message:
    """An object with a message in it says more about it; any other JSON value is the message."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"line {number} of --batch is not JSON: {error}.") from None
    if not isinstance(value, dict) or "message" not in value:
        return Message(message=value)
    if unknown := sorted(value.keys() - _FIELDS):
        raise InvalidInput(
            f"line {number} of --batch has a message, and {unknown[0]!r}, which is none of environment, key and "
            'notBefore: write {"message": {...}} around an object that is itself the message.',
        )
    due = value.get("notBefore", value.get("not_before"))
    return Message(
        message=value["message"],
        environment=_environment(number, value.get("environment")),
        not_before=moment(str(due)) if due is not None else None,
        key=value.get("key"),
    )


def _environment(number: int, given: Any) -> dict[str, Any]:
    if given is not None and not isinstance(given, dict):
        raise InvalidInput(f"line {number} of --batch: environment is an object of variables.")
    return given or {}


def print_sent(execution_ids: list[str], output: Format) -> None:
    """An id a line, in the order of the messages."""
    raw = [{"executionId": execution_id} for execution_id in execution_ids]
    report(output, raw, lambda: typer.echo("\n".join(execution_ids)))
