"""`abaco mailbox show|purge`."""

import typer

from abaco.cli.output import Format, report
from abaco.cli.parameters import ActorArgument, OutputOption, YesOption, require_consent
from abaco.cli.resolve import find_actor
from abaco.cli.session import connect

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    nouns = typer.Typer(no_args_is_help=True, help="Count or drop the messages that wait for an actor.")
    nouns.command("show", epilog="Example: abaco mailbox show counter")(_show)
    nouns.command("purge", epilog="Example: abaco mailbox purge counter --yes")(_purge)
    app.add_typer(nouns, name="mailbox")


def _show(ctx: typer.Context, actor: ActorArgument, output: OutputOption = Format.TABLE) -> None:
    """Print how many messages wait."""
    with connect(ctx) as ab:
        found = ab.actors.getMessages(actorId=find_actor(ab, actor).id)
    report(output, found, lambda: typer.echo(found.messages))


def _purge(
    ctx: typer.Context,
    actor: ActorArgument,
    yes: YesOption = False,
) -> None:
    """Drop the messages that wait; their executions end in ERROR."""
    with connect(ctx) as ab:
        found = find_actor(ab, actor)
        waiting = ab.actors.getMessages(actorId=found.id).messages
        require_consent(f"Drop {waiting} messages of actor {found.id}?", yes=yes)
        ab.actors.deleteMessages(actorId=found.id)
