"""`abaco state get|set`."""

import json
import sys
from typing import Annotated, Any

import typer

from abaco.cli.output import Format, print_json, report
from abaco.cli.parameters import ActorArgument, OutputOption
from abaco.cli.resolve import find_actor
from abaco.cli.session import connect
from abaco.errors import InvalidInput

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    nouns = typer.Typer(no_args_is_help=True, help="Read and replace the state of a stateful actor.")
    nouns.command("get", epilog="Example: abaco state get adder")(_get)
    nouns.command("set", epilog="Example: abaco state set adder '{\"sum\": 0}'")(_set)
    app.add_typer(nouns, name="state")


def _get(ctx: typer.Context, actor: ActorArgument) -> None:
    """Print the state as JSON."""
    with connect(ctx) as ab:
        print_json(ab.state.get(find_actor(ab, actor).id))


def _set(
    ctx: typer.Context,
    actor: ActorArgument,
    value: Annotated[
        str | None,
        typer.Argument(metavar="JSON", help="The new state; - or a pipe: read from stdin.", show_default=False),
    ] = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """Replace the whole state by a JSON value."""
    state = _parsed(value)
    with connect(ctx) as ab:
        actor_now = ab.state.set(find_actor(ab, actor).id, state)
    report(output, actor_now.raw, lambda: None)


def _parsed(value: str | None) -> Any:
    if value is None and sys.stdin.isatty():
        raise InvalidInput("what is the state? Give it as JSON, or pipe it in.")
    try:
        return json.loads(sys.stdin.buffer.read() if value in {None, "-"} else str(value))
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"the state is not JSON: {error}.") from error
