"""`abaco logs`."""

from typing import Annotated

import typer

from abaco.cli.output import note, print_bytes
from abaco.cli.parameters import ActorArgument, LatestExecutionArgument
from abaco.cli.resolve import find_actor, find_execution
from abaco.cli.session import connect

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    app.command("logs", epilog="Example: abaco logs counter -f")(_logs)


def _logs(
    ctx: typer.Context,
    actor: ActorArgument,
    execution: LatestExecutionArgument = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on until the execution has ended.")] = False,
) -> None:
    """Print what an execution has written to stdout and stderr."""
    with connect(ctx) as ab:
        actor_id = find_actor(ab, actor).id
        execution_id = find_execution(ab, actor_id, execution)
        texts = ab.logs.follow(actor_id, execution_id, _restarted) if follow else [ab.logs.get(actor_id, execution_id)]
        for text in texts:
            print_bytes(text.encode())


def _restarted() -> None:
    note("the attempt was lost with its server: the execution starts over, and so does its log")
