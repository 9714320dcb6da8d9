"""Arguments and options that several verbs share, and the reading of NAME=VALUE."""

from collections.abc import Iterable
from typing import Annotated

import typer

from abaco.cli.output import Format
from abaco.errors import InvalidInput

__all__ = ["ActorArgument", "ExecutionArgument", "LatestExecutionArgument", "OutputOption", "variables"]

_EXECUTION_HELP = "Id, or the beginning of one"

ActorArgument = Annotated[
    str,
    typer.Argument(metavar="ACTOR", help="Id or name, or the beginning of either.", show_default=False),
]
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


def variables(assignments: Iterable[str], where: str = "--env") -> dict[str, str]:
    """NAME=VALUE texts as a dict. Raises InvalidInput, naming `where` it stood, for anything else."""
    found = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not name or not equals:
            raise InvalidInput(f"{where}: {assignment[:80]!r} is not NAME=VALUE.")
        found[name] = value
    return found
