"""`abaco send`: post a message, and wait for what becomes of it."""

import json
import sys
from contextlib import ExitStack
from typing import Annotated, Any, BinaryIO

import typer

from abaco.cli.batch import lines_in, print_sent, require_nothing_else, send_lines
from abaco.cli.batch_line import moment
from abaco.cli.exits import code_of
from abaco.cli.output import Format, note, print_bytes, report
from abaco.cli.parameters import ActorArgument, OutputOption
from abaco.cli.progress import waiting
from abaco.cli.resolve import find_actor
from abaco.cli.session import connect
from abaco.client import Abaco, Execution
from abaco.client.assignments import variables
from abaco.errors import InvalidInput

__all__ = ["register"]

_STDIN = "-"


def register(app: typer.Typer) -> None:
    app.command("send", epilog='Example: abaco send counter "how many words are these" --wait')(_send)


def _send(
    ctx: typer.Context,
    actor: ActorArgument,
    text: Annotated[
        str | None,
        typer.Argument(metavar="TEXT", help="The message; - or a pipe: read from stdin.", show_default=False),
    ] = None,
    json_text: Annotated[str | None, typer.Option("--json", metavar="JSON", help="Send a JSON value.")] = None,
    file: Annotated[str | None, typer.Option(metavar="FILE", help="Send a file's bytes, any size (-: stdin).")] = None,
    env: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A variable of this execution; may be repeated."),
    ] = None,
    max_run_time: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Stop this execution after that time; the actor may allow less."),
    ] = None,
    not_before: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="Not before: seconds from now, or a moment such as 2026-11-26T09:30+01:00."),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="What the message is known by: sent again under its key, it runs once."),
    ] = None,
    batch: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Send a message a line, each JSON (-: stdin), if all are right."),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait, print the logs, exit as the execution did.")] = False,
    output: OutputOption = Format.TABLE,
) -> None:
    """Send a message to an actor and print the id of its execution."""
    options: dict[str, Any] = {
        "environment": variables(env or []),
        "max_run_time": max_run_time,
        "not_before": moment(not_before),
        "idempotency_key": key,
    }
    with ExitStack() as stack:
        if batch is not None:
            require_nothing_else(text=text, json_text=json_text, file=file, wait=wait)
            lines = lines_in(stack, batch)
        else:
            message = _message(stack, text, json_text, file)
        ab = stack.enter_context(connect(ctx))
        actor_id = find_actor(ab, actor).id
        if batch is not None:
            print_sent(send_lines(ab, actor_id, lines, options), output)
            return
        sent = ab.messages.send(actor_id, **message, **options)
        if wait:
            _finish(ab, _wait(ab, actor_id, sent.execution_id), output)
        else:
            report(output, sent.raw, lambda: typer.echo(sent.execution_id))


def _message(stack: ExitStack, text: str | None, json_text: str | None, file: str | None) -> dict[str, Any]:
    """The one message given, as an argument of `Messages.send`; `stack` closes the file."""
    given = [name for name, value in (("TEXT", text), ("--json", json_text), ("--file", file)) if value is not None]
    if len(given) > 1:
        raise InvalidInput(f"{' and '.join(given)} are several messages: give one.")
    if json_text is not None:
        return {"json": _parsed(json_text)}
    if file is not None:
        return {"data": _opened(stack, file)}
    if text is None and sys.stdin.isatty():
        raise InvalidInput("what is the message? Give TEXT, --json, --file, or pipe it in.")
    return {"text": _stdin_text() if text in {None, _STDIN} else text}


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"--json is not JSON: {error}.") from error


def _opened(stack: ExitStack, file: str) -> BinaryIO:
    if file == _STDIN:
        return sys.stdin.buffer
    try:
        return stack.enter_context(open(file, "rb"))  # noqa: PTH123  a name as typed, bytes that are no text included
    except (OSError, ValueError) as error:
        raise InvalidInput(f"--file cannot be read: {error}.") from error


def _stdin_text() -> str:
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise InvalidInput("stdin is not UTF-8 text: send it as it is with '--file -'.") from error


def _wait(ab: Abaco, actor_id: str, execution_id: str) -> Execution:
    try:
        with waiting(f"execution {execution_id}") as tell:
            return ab.executions.wait(actor_id, execution_id, on_change=tell)
    except KeyboardInterrupt:
        note(f"execution {execution_id} goes on; 'abaco executions halt {actor_id} {execution_id}' stops it")
        raise


def _finish(ab: Abaco, execution: Execution, output: Format) -> None:
    """Print the logs (or the execution) and exit as it did. Raises AbacoError if it could not be run."""
    report(
        output,
        execution.raw,
        lambda: print_bytes(ab.logs.get(execution.actor_id, execution.id).encode()),
    )
    raise typer.Exit(code_of(execution))
