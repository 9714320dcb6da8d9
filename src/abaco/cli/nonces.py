"""`abaco nonces list|add|show|delete`, of actors and aliases."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from abaco.cli.output import Format, print_object, print_table, report
from abaco.cli.parameters import OutputOption
from abaco.cli.resolve import find_actor
from abaco.cli.session import connect

__all__ = ["register"]

_COLUMNS = ("ID", "LEVEL", "USES LEFT", "OWNER", "DESCRIPTION")


class _Level(StrEnum):
    READ = "READ"
    EXECUTE = "EXECUTE"
    UPDATE = "UPDATE"


_Object = Annotated[
    str, typer.Argument(metavar="OBJECT", help="An actor, or with --alias an alias.", show_default=False)
]
_IsAlias = Annotated[bool, typer.Option("--alias", help="OBJECT is an alias.")]
_Nonce = Annotated[str, typer.Argument(metavar="NONCE", help="The nonce itself.", show_default=False)]


def register(app: typer.Typer) -> None:
    nouns = typer.Typer(no_args_is_help=True, help="Keys that open one actor or alias to whoever has them.")
    nouns.command("list", epilog="Example: abaco nonces list counter")(_list)
    nouns.command("add", epilog="Example: abaco nonces add counter --uses 100")(_add)
    nouns.command("show", epilog="Example: abaco nonces show counter DEV_q0RvKDe2")(_show)
    nouns.command("delete", epilog="Example: abaco nonces delete counter DEV_q0RvKDe2")(_delete)
    app.add_typer(nouns, name="nonces")


def _list(ctx: typer.Context, object_: _Object, alias: _IsAlias = False, output: OutputOption = Format.TABLE) -> None:
    """List the nonces."""
    with connect(ctx) as ab:
        if alias:
            found = ab.actors.listAliasNonces(alias=object_)
        else:
            found = ab.actors.listNonces(actorId=find_actor(ab, object_).id)
    rows = [(one.id, one.level, _uses(one.remainingUses), one.owner, str(one.description or "-")) for one in found]
    report(output, found, lambda: print_table(_COLUMNS, rows))


def _add(
    ctx: typer.Context,
    object_: _Object,
    alias: _IsAlias = False,
    level: Annotated[_Level, typer.Option(case_sensitive=False, help="What it opens at most.")] = _Level.EXECUTE,
    uses: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="How often it may be used; by default any number.")
    ] = None,
    description: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """Make a nonce and print it."""
    body: dict[str, Any] = {"level": level.value, "maxUses": -1 if uses is None else uses}
    if description is not None:
        body["description"] = description
    with connect(ctx) as ab:
        if alias:
            made = ab.actors.addAliasNonce(alias=object_, body=body)
        else:
            made = ab.actors.addNonce(actorId=find_actor(ab, object_).id, body=body)
    report(output, made, lambda: typer.echo(made.id))


def _show(
    ctx: typer.Context,
    object_: _Object,
    nonce: _Nonce,
    alias: _IsAlias = False,
    output: OutputOption = Format.TABLE,
) -> None:
    """Show everything about one nonce."""
    with connect(ctx) as ab:
        if alias:
            found = ab.actors.getAliasNonce(alias=object_, nonceId=nonce)
        else:
            found = ab.actors.getNonce(actorId=find_actor(ab, object_).id, nonceId=nonce)
    report(output, found, lambda: print_object(found))


def _delete(ctx: typer.Context, object_: _Object, nonce: _Nonce, alias: _IsAlias = False) -> None:
    """Delete a nonce: it opens nothing any more."""
    with connect(ctx) as ab:
        if alias:
            ab.actors.deleteAliasNonce(alias=object_, nonceId=nonce)
        else:
            ab.actors.deleteNonce(actorId=find_actor(ab, object_).id, nonceId=nonce)


def _uses(left: object) -> str:
    return "any" if left == -1 else str(left)
