"""`abaco actors list|show|delete`; what describes an actor (create, update) is in describe.py."""

import typer

from abaco.cli.output import Format, print_object, print_table, report
from abaco.cli.parameters import ActorArgument, ActorsArgument, OutputOption, YesOption, require_consent
from abaco.cli.resolve import find_actor
from abaco.cli.session import connect
from abaco.client import Actor

__all__ = ["register"]

_COLUMNS = ("ID", "NAME", "IMAGE", "KIND", "STATUS", "OWNER")


def register(app: typer.Typer) -> None:
    app.command("list", epilog="Example: abaco actors list -o json")(_list)
    app.command("show", epilog="Example: abaco actors show counter")(_show)
    app.command("delete", epilog="Example: abaco actors delete counter --yes")(_delete)


def _list(ctx: typer.Context, output: OutputOption = Format.TABLE) -> None:
    """List the actors you may read."""
    with connect(ctx) as ab:
        actors = ab.actors.list()
    report(output, [actor.raw for actor in actors], lambda: print_table(_COLUMNS, map(_row, actors)))


def _row(actor: Actor) -> tuple[str, ...]:
    kind = "stateless" if actor.stateless else "stateful"
    return actor.id, actor.name or "-", actor.image, kind, actor.status, actor.owner


def _show(ctx: typer.Context, actor: ActorArgument, output: OutputOption = Format.TABLE) -> None:
    """Show everything about one actor."""
    with connect(ctx) as ab:
        found = find_actor(ab, actor)
    report(output, found.raw, lambda: print_object(found.raw))


def _delete(
    ctx: typer.Context,
    actors: ActorsArgument,
    yes: YesOption = False,
) -> None:
    """Delete actors with their mailboxes, executions and states; what they are executing is stopped."""
    with connect(ctx) as ab:
        # All are found before the first is deleted: a name mistyped deletes nothing.
        found = {actor.id: actor for actor in (find_actor(ab, given) for given in actors)}.values()
        for actor in found:
            require_consent(f"Delete actor {actor.id} ({actor.name or actor.image})?", yes=yes)
        for actor in found:
            ab.actors.delete(actor.id)
            typer.echo(actor.id)
