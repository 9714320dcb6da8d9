"""`abaco configs list|show|set|delete`."""

import sys
from typing import Annotated, Any

import typer

from abaco.cli.output import Format, print_object, print_table, report
from abaco.cli.parameters import OutputOption
from abaco.cli.resolve import find_actor
from abaco.cli.session import connect
from abaco.errors import InvalidInput, NotFound

__all__ = ["register"]

_Config = Annotated[str, typer.Argument(metavar="CONFIG", help="The config's name.", show_default=False)]


def register(app: typer.Typer) -> None:
    nouns = typer.Typer(no_args_is_help=True, help="Values that several actors share, some of them secret.")
    nouns.command("list", epilog="Example: abaco configs list")(_list)
    nouns.command("show", epilog="Example: abaco configs show key")(_show)
    nouns.command("set", epilog="Example: abaco configs set key --value 42 --actor counter")(_set)
    nouns.command("delete", epilog="Example: abaco configs delete key")(_delete)
    app.add_typer(nouns, name="configs")


def _list(ctx: typer.Context, output: OutputOption = Format.TABLE) -> None:
    """List the configs you may read."""
    with connect(ctx) as ab:
        found = ab.actors.listConfigs()
    rows = [(one.name, str(one.value), one.actors) for one in found]
    report(output, found, lambda: print_table(("NAME", "VALUE", "ACTORS"), rows))


def _show(ctx: typer.Context, config: _Config, output: OutputOption = Format.TABLE) -> None:
    """Show a config; the value of a secret one stays hidden."""
    with connect(ctx) as ab:
        found = ab.actors.getConfig(configName=config)
    report(output, found, lambda: print_object(found))


def _set(
    ctx: typer.Context,
    config: _Config,
    value: Annotated[
        str | None, typer.Option(help="The value; - or a pipe and no other option: stdin, where nobody sees it.")
    ] = None,
    actor: Annotated[
        list[str] | None, typer.Option(metavar="ACTOR", help="An actor that is given it; may be repeated.")
    ] = None,
    secret: Annotated[bool | None, typer.Option(help="Whether the value is stored encrypted and never shown.")] = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """Make a config, its value given or piped, or change what is said of it and nothing else."""
    if value == "-":
        value = _stdin_text().removesuffix("\n")
    elif value is None and not actor and secret is None:
        value = _piped()
    with connect(ctx) as ab:
        said: dict[str, Any] = {"value": value, "isSecret": secret}
        if actor:
            said["actors"] = ",".join(find_actor(ab, one).id for one in actor)
        said = {name: each for name, each in said.items() if each is not None}
        try:
            current = ab.actors.getConfig(configName=config)
        except NotFound:
            missing = {"value": _piped()} if value is None else {}
            changed = ab.actors.addConfig(body={"name": config, "isSecret": False, "actors": "", **missing, **said})
        else:
            kept = {name: current[name] for name in ("value", "isSecret", "actors")}
            changed = ab.actors.updateConfig(configName=config, body={**kept, **said})
    report(output, changed, lambda: typer.echo(changed.name))


def _piped() -> str:
    """The value, where none was given. Raises InvalidInput if nobody pipes one in."""
    if sys.stdin.isatty():
        raise InvalidInput("what is the value? Give it as --value, or pipe it in.")
    text = _stdin_text()
    if not text:
        # As of a program before the pipe that failed: it must not empty what is there.
        raise InvalidInput("stdin has no value: pipe one in, or give it as --value ('' is an empty one).")
    return text.removesuffix("\n")


def _stdin_text() -> str:
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise InvalidInput("stdin is not UTF-8 text.") from error


def _delete(ctx: typer.Context, config: _Config) -> None:
    """Delete a config; executions that start later do not get it."""
    with connect(ctx) as ab:
        ab.actors.deleteConfig(configName=config)
    typer.echo(config)
