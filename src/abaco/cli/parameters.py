"""Arguments and options that several verbs share."""

import sys
from typing import Annotated

import typer

from abaco.cli.output import Format

__all__ = [
    "ActorArgument",
    "ActorsArgument",
    "ExecutionArgument",
    "LatestExecutionArgument",
    "OutputOption",
    "YesOption",
    "require_consent",
]

_EXECUTION_HELP = "Id, or the beginning of one"

_ACTOR_HELP = "Id, name or alias, or the beginning of id or name."
ActorArgument = Annotated[str, typer.Argument(metavar="ACTOR", help=_ACTOR_HELP, show_default=False)]
ActorsArgument = Annotated[list[str], typer.Argument(metavar="ACTOR...", help=_ACTOR_HELP, show_default=False)]
ExecutionArgument = Annotated[
    str,
    typer.Argument(metavar="EXECUTION", help=f"{_EXECUTION_HELP}.", show_default=False),
]
LatestExecutionArgument = Annotated[
    str | None,
    typer.Argument(metavar="EXECUTION", help=f"{_EXECUTION_HELP}; by default the latest.", show_default=False),
]
OutputOption = Annotated[
    Format,
    typer.Option("-o", "--output", help="'table' for people; 'json', 'yaml' or 'id' for scripts."),
]
YesOption = Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")]


def require_consent(question: str, *, yes: bool) -> None:
    """Ask a person; raises typer.Abort unless they agree. A script has nobody to ask; it meant what it said."""
    if not yes and sys.stdin.isatty():
        typer.confirm(question, abort=True, err=True)
