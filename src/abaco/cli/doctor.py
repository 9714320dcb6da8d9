"""`abaco doctor`: what is wrong here, and what to do about it."""

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from abaco.cli.exits import FAILED
from abaco.cli.output import Format, print_table, report
from abaco.cli.parameters import OutputOption
from abaco.cli.session import connect
from abaco.errors import AbacoError, NotAuthenticated

__all__ = ["register"]

_Check = tuple[str, str, str]
"""What was looked at; "ok", "FAILED" or "-", which is neither; and what there is to say, or to do."""


def register(app: typer.Typer) -> None:
    app.command("doctor", epilog="Example: abaco doctor --data ~/abaco")(_doctor)


def _doctor(
    ctx: typer.Context,
    data: Annotated[
        Path | None, typer.Option(help="A server's data directory: look whether this machine can run it.")
    ] = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """Check the login and its server, and this machine as a server's; exit 1 if anything is wrong."""
    checks = [*_of_the_client(ctx), *_of_the_server(data)]
    raw = [dict(zip(("check", "outcome", "detail"), check, strict=True)) for check in checks]
    report(output, raw, lambda: print_table(("CHECK", "OUTCOME", "DETAIL"), checks))
    if any(outcome == "FAILED" for _, outcome, _ in checks):
        raise typer.Exit(FAILED)


def _of_the_client(ctx: typer.Context) -> Iterator[_Check]:
    try:
        with connect(ctx) as ab:
            yield _tried("login and server", lambda: f"{len(ab.actors.list())} actors are yours to read")
    except NotAuthenticated as error:
        yield "login and server", "-", f"not logged in here: {error}"
    except AbacoError as error:
        yield "login and server", "FAILED", str(error)


def _of_the_server(data: Path | None) -> Iterator[_Check]:
    """Nothing but a word of it where the server is not installed."""
    try:
        examine: Callable[[Path | None], Any] = import_module("abaco.bootstrap.examination").examine
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("abaco."):
            raise
        yield "server", "-", "not installed here: pip install 'abaco-actors[server]'"
        return
    for name, look in examine(data):
        yield _tried(name, look)


def _tried(name: str, look: Callable[[], str]) -> _Check:
    try:
        return name, "ok", look()
    except (AbacoError, RuntimeError, OSError) as error:
        return name, "FAILED", str(error)
