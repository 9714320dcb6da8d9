"""`abaco aliases list|show|set|delete`."""

from typing import Annotated

import typer

from abaco.cli.output import Format, print_object, print_table, report
from abaco.cli.parameters import ActorArgument, OutputOption
from abaco.cli.resolve import find_actor
from abaco.cli.session import connect
from abaco.errors import NotFound

__all__ = ["register"]

_Alias = Annotated[str, typer.Argument(metavar="ALIAS", help="The alias.", show_default=False)]


def register(app: typer.Typer) -> None:
    nouns = typer.Typer(no_args_is_help=True, help="Names of your own for actors, which can change what they name.")
    nouns.command("list", epilog="Example: abaco aliases list")(_list)
    nouns.command("show", epilog="Example: abaco aliases show count")(_show)
    nouns.command("set", epilog="Example: abaco aliases set count counter")(_set)
    nouns.command("delete", epilog="Example: abaco aliases delete count")(_delete)
    app.add_typer(nouns, name="aliases")


def _list(ctx: typer.Context, output: OutputOption = Format.TABLE) -> None:
    """List the aliases you may read."""
    with connect(ctx) as ab:
        found = ab.actors.listAliases()
    rows = [(one.alias, one.actorId, one.owner) for one in found]
    report(output, found, lambda: print_table(("ALIAS", "ACTOR", "OWNER"), rows))


def _show(ctx: typer.Context, alias: _Alias, output: OutputOption = Format.TABLE) -> None:
    """Show which actor an alias names."""
    with connect(ctx) as ab:
        found = ab.actors.getAlias(alias=alias)
    report(output, found, lambda: print_object(found))


def _set(ctx: typer.Context, alias: _Alias, actor: ActorArgument, output: OutputOption = Format.TABLE) -> None:
    """Have an alias name an actor; it is made if there is none."""
    with connect(ctx) as ab:
        actor_id = find_actor(ab, actor).id
        try:
            named = ab.actors.updateAlias(alias=alias, body={"actorId": actor_id})
        except NotFound:
            named = ab.actors.addAlias(body={"alias": alias, "actorId": actor_id})
    report(output, named, lambda: typer.echo(named.alias))


def _delete(ctx: typer.Context, alias: _Alias) -> None:
    """Delete an alias; the actor stays."""
    with connect(ctx) as ab:
        ab.actors.deleteAlias(alias=alias)
    typer.echo(alias)
