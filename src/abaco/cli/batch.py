"""`abaco send --batch`: many messages from a file, in as many requests as it takes."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import typer

from abaco.cli.batch_line import Line, read_line
from abaco.cli.output import Format, note, report
from abaco.client import Abaco
from abaco.client.sending import PLACE, fresh_key
from abaco.errors import AbacoError, InternalError, InvalidInput, Unavailable

__all__ = ["lines_in", "print_sent", "require_nothing_else", "send_lines"]

_STDIN = "-"
_LONGEST_KEY = 255


def require_nothing_else(*, text: str | None, json_text: str | None, file: str | None, wait: bool) -> None:
    """Raise InvalidInput for what does not go with --batch."""
    given = {"TEXT": text, "--json": json_text, "--file": file, "--wait": wait or None}
    others = [name for name, value in given.items() if value is not None]
    if others:
        raise InvalidInput(f"--batch sends what is in its file: leave {' and '.join(others)} out.")


def lines_in(stack: ExitStack, file: str) -> list[Line]:
    """The messages in a file, all of them right as far as can be said here; `stack` closes it."""
    try:
        found = sys.stdin.buffer if file == _STDIN else stack.enter_context(open(file, "rb"))  # noqa: PTH123, SIM115
        lines = [read_line(number, text) for number, text in enumerate(found, 1) if text.strip()]
    except (OSError, ValueError) as error:
        raise InvalidInput(f"--batch cannot be read: {error}.") from error
    if not lines:
        raise InvalidInput("--batch has no line with a message.")
    return lines


def send_lines(ab: Abaco, actor_id: str, lines: Sequence[Line], options: Mapping[str, Any]) -> list[str]:
    """Post the messages under one key; the ids of their executions. A failure says how the rest can be sent."""
    key = options["idempotency_key"] or fresh_key()
    if len(f"{key}-{len(lines)}") > _LONGEST_KEY:
        raise InvalidInput(f"--key is too long: each request has one made of it, of {_LONGEST_KEY} characters at most.")
    messages = [line.message for line in lines]
    ids: list[str] = []
    try:
        for sent in ab.messages.send_batches(actor_id, messages, **{**options, "idempotency_key": key}):
            ids += sent
    except AbacoError as error:
        text = PLACE.sub(lambda place: f"line {lines[int(place[1])].number} of --batch", error.message)
        # Of a request that was refused nothing was taken; of one that failed on its way, who knows.
        in_doubt = ids or isinstance(error, Unavailable | InternalError)
        raise type(error)(f"{text} {_rest(len(ids), len(lines), key)}." if in_doubt else text) from error
    except KeyboardInterrupt:
        note(_rest(len(ids), len(lines), key))
        raise
    return ids


def _rest(sent: int, total: int, key: str) -> str:
    return (
        f"{sent} of {total} messages are known to be sent: the same command with --key {shlex.quote(key)} "
        "sends only the rest"
    )


def print_sent(execution_ids: list[str], output: Format) -> None:
    """An id a line, in the order of the messages."""
    raw = [{"executionId": execution_id} for execution_id in execution_ids]
    report(output, raw, lambda: typer.echo("\n".join(execution_ids)))
