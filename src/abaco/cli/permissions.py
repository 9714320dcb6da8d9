"""`abaco permissions list|set`, of actors, aliases and configs."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from abaco.cli.output import Format, print_table, report
from abaco.cli.parameters import OutputOption
from abaco.cli.resolve import find_actor
from abaco.cli.session import connect

__all__ = ["register"]


class _Kind(StrEnum):
    ACTOR = "actor"
    ALIAS = "alias"
    CONFIG = "config"


class _Level(StrEnum):
    NONE = "NONE"
    READ = "READ"
    EXECUTE = "EXECUTE"
    UPDATE = "UPDATE"


_Object = Annotated[
    str, typer.Argument(metavar="OBJECT", help="An actor, or what --of says: an alias or a config.", show_default=False)
]
_Of = Annotated[_Kind, typer.Option("--of", help="What OBJECT is.")]


def register(app: typer.Typer) -> None:
    nouns = typer.Typer(no_args_is_help=True, help="See and change who may do what with an actor, alias or config.")
    nouns.command("list", epilog="Example: abaco permissions list counter")(_list)
    nouns.command("set", epilog="Example: abaco permissions set counter bob EXECUTE")(_set)
    app.add_typer(nouns, name="permissions")


def _list(ctx: typer.Context, object_: _Object, of: _Of = _Kind.ACTOR, output: OutputOption = Format.TABLE) -> None:
    """List the users who have an entry, and their levels."""
    with connect(ctx) as ab:
        match of:
            case _Kind.ACTOR:
                found = ab.actors.getPermissions(actorId=find_actor(ab, object_).id)
            case _Kind.ALIAS:
                found = ab.actors.getAliasPermissions(alias=object_)
            case _Kind.CONFIG:
                found = ab.actors.getConfigPermissions(configName=object_)
    _print(found, output)


def _set(
    ctx: typer.Context,
    object_: _Object,
    user: Annotated[
        str, typer.Argument(metavar="USER", help="A user, or ABACO_WORLD for everybody.", show_default=False)
    ],
    level: Annotated[
        _Level, typer.Argument(case_sensitive=False, help="Each level includes those before it.", show_default=False)
    ],
    of: _Of = _Kind.ACTOR,
    output: OutputOption = Format.TABLE,
) -> None:
    """Give a user a level, instead of the one they had; NONE takes everything away."""
    body = {"user": user, "level": level.value}
    with connect(ctx) as ab:
        match of:
            case _Kind.ACTOR:
                found = ab.actors.updatePermissions(actorId=find_actor(ab, object_).id, body=body)
            case _Kind.ALIAS:
                found = ab.actors.updateAliasPermissions(alias=object_, body=body)
            case _Kind.CONFIG:
                found = ab.actors.updateConfigPermissions(configName=object_, body=body)
    _print(found, output)


def _print(levels: Any, output: Format) -> None:
    rows = [(user, level) for user, level in levels.items() if user != "_links"]
    # The ids of entries are their users: what the server answered has them as keys.
    raw = [{"id": user} for user, _ in rows] if output is Format.ID else levels
    report(output, raw, lambda: print_table(("USER", "LEVEL"), rows))
