"""`abaco workers list|show|add|stop`."""

from typing import Annotated

import typer

from abaco.cli.output import Format, print_object, print_table, report
from abaco.cli.parameters import ActorArgument, OutputOption
from abaco.cli.resolve import find_actor
from abaco.cli.session import connect

__all__ = ["register"]

_COLUMNS = ("ID", "STATUS", "IMAGE", "LAST EXECUTION")
_Worker = Annotated[str, typer.Argument(metavar="WORKER", help="The worker's id.", show_default=False)]


def register(app: typer.Typer) -> None:
    nouns = typer.Typer(no_args_is_help=True, help="See, ask for and stop the workers of an actor.")
    nouns.command("list", epilog="Example: abaco workers list counter")(_list)
    nouns.command("show", epilog="Example: abaco workers show counter Kq4vNwJ0zLm3B")(_show)
    nouns.command("add", epilog="Example: abaco workers add counter --number 3")(_add)
    nouns.command("stop", epilog="Example: abaco workers stop counter Kq4vNwJ0zLm3B")(_stop)
    app.add_typer(nouns, name="workers")


def _list(ctx: typer.Context, actor: ActorArgument, output: OutputOption = Format.TABLE) -> None:
    """List an actor's workers."""
    with connect(ctx) as ab:
        found = ab.actors.listWorkers(actorId=find_actor(ab, actor).id)
    rows = [(one.id, one.status, one.image, str(one.lastExecutionTime)) for one in found]
    report(output, found, lambda: print_table(_COLUMNS, rows))


def _show(ctx: typer.Context, actor: ActorArgument, worker: _Worker, output: OutputOption = Format.TABLE) -> None:
    """Show everything about one worker."""
    with connect(ctx) as ab:
        found = ab.actors.getWorker(actorId=find_actor(ab, actor).id, workerId=worker)
    report(output, found, lambda: print_object(found))


def _add(
    ctx: typer.Context,
    actor: ActorArgument,
    number: Annotated[int, typer.Option(min=1, metavar="N", help="How many there are to be at least.")] = 1,
) -> None:
    """Have at least so many workers, though no message waits."""
    with connect(ctx) as ab:
        ab.actors.addWorker(actorId=find_actor(ab, actor).id, body={"num": number})


def _stop(ctx: typer.Context, actor: ActorArgument, worker: _Worker) -> None:
    """Stop a worker; a busy one finishes its execution first."""
    with connect(ctx) as ab:
        ab.actors.deleteWorker(actorId=find_actor(ab, actor).id, workerId=worker)
    typer.echo(worker)
