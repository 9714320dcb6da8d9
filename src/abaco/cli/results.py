"""`abaco results`."""

from typing import Annotated

import typer

from abaco.cli.output import print_bytes
from abaco.cli.parameters import ActorArgument, LatestExecutionArgument
from abaco.cli.resolve import find_actor, find_execution
from abaco.cli.session import connect
from abaco.errors import NotFound

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    app.command("results", epilog="Example: abaco results counter > result.bin")(_results)


def _results(
    ctx: typer.Context,
    actor: ActorArgument,
    execution: LatestExecutionArgument = None,
    every: Annotated[bool, typer.Option("--all", help="All that are there, one right after the other.")] = False,
) -> None:
    """Write the oldest result of an execution to stdout as it is. A result is read once: the server forgets it."""
    with connect(ctx) as ab:
        actor_id = find_actor(ab, actor).id
        execution_id = find_execution(ab, actor_id, execution)
        if every:
            for result in ab.results.all(actor_id, execution_id):
                print_bytes(result)
        elif result := ab.results.pop(actor_id, execution_id):
            print_bytes(result)
        else:
            raise NotFound(f"execution {execution_id} has no (more) results.")
