"""`abaco executions list|show|halt`."""

from typing import Annotated

import typer

from abaco.cli.output import Format, moment, print_object, print_table, report
from abaco.cli.parameters import ActorArgument, ExecutionArgument, LatestExecutionArgument, OutputOption
from abaco.cli.resolve import find_actor, find_execution
from abaco.cli.session import connect
from abaco.client import ExecutionEntry

__all__ = ["register"]

_COLUMNS = ("ID", "STATUS", "RECEIVED (UTC)", "STARTED (UTC)", "FINISHED (UTC)")


def register(app: typer.Typer) -> None:
    nouns = typer.Typer(no_args_is_help=True, help="Look at and halt the executions of an actor.")
    nouns.command("list", epilog="Example: abaco executions list counter --last 10")(_list)
    nouns.command("show", epilog="Example: abaco executions show counter 5Gk")(_show)
    nouns.command("halt", epilog="Example: abaco executions halt counter 5Gk")(_halt)
    app.add_typer(nouns, name="executions")


def _list(
    ctx: typer.Context,
    actor: ActorArgument,
    last: Annotated[int | None, typer.Option(min=1, metavar="N", help="Only the latest N.")] = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """List an actor's executions, oldest first; -o json adds the sums of what they used."""
    with connect(ctx) as ab:
        summary = ab.executions.list(find_actor(ab, actor).id)
    latest = slice(-(last or 0), None)
    raw = summary.raw | {"executions": summary.raw["executions"][latest]}
    report(output, raw, lambda: print_table(_COLUMNS, map(_row, summary.executions[latest])))


def _row(entry: ExecutionEntry) -> tuple[str, ...]:
    times = (entry.message_received_time, entry.start_time, entry.finish_time)
    return entry.id, entry.status, *map(moment, times)


def _show(
    ctx: typer.Context,
    actor: ActorArgument,
    execution: LatestExecutionArgument = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """Show everything about one execution."""
    with connect(ctx) as ab:
        actor_id = find_actor(ab, actor).id
        found = ab.executions.get(actor_id, find_execution(ab, actor_id, execution))
    report(output, found.raw, lambda: print_object(found.raw))


def _halt(ctx: typer.Context, actor: ActorArgument, execution: ExecutionArgument) -> None:
    """Stop a running execution."""
    with connect(ctx) as ab:
        actor_id = find_actor(ab, actor).id
        execution_id = find_execution(ab, actor_id, execution)
        ab.executions.halt(actor_id, execution_id)
    typer.echo(execution_id)
