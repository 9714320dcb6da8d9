"""`abaco search`."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer

from abaco.cli.output import Format, note, print_table, report
from abaco.cli.parameters import OutputOption
from abaco.cli.session import connect
from abaco.client.assignments import variables
from abaco.errors import InvalidInput

__all__ = ["register"]


class _Collection(StrEnum):
    ACTORS = "actors"
    EXECUTIONS = "executions"
    WORKERS = "workers"
    LOGS = "logs"


_COLUMNS = {
    _Collection.ACTORS: ("id", "name", "image", "status", "owner"),
    _Collection.EXECUTIONS: ("id", "actorId", "status", "exitCode", "messageReceivedTime"),
    _Collection.WORKERS: ("id", "actorId", "status", "image"),
    _Collection.LOGS: ("executionId", "actorId", "logs"),
}
_CONDITION = re.compile(r"[\w.]+=\S*")
_SNAKE = {"id": "id", "actorId": "actor_id", "executionId": "execution_id"}


def register(app: typer.Typer) -> None:
    app.command("search", epilog="Example: abaco search executions -w status=COMPLETE -w exitCode.neq=0")(_search)


def _search(
    ctx: typer.Context,
    collection: Annotated[_Collection, typer.Argument(metavar="COLLECTION", help="What to search.")],
    words: Annotated[
        str | None, typer.Argument(metavar="WORDS", help="Words that are to be found in it.", show_default=False)
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option("-w", "--where", metavar="FIELD[.OPERATOR]=VALUE", help="A condition; may be repeated."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="At most so many.")] = None,
    skip: Annotated[int | None, typer.Option(min=0, metavar="N", help="Without the first N.")] = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """Search all that you may read: the API's guide has the fields and operators of conditions."""
    asked: dict[str, Any] = {**variables(where or [], "--where")}
    if words is not None and _CONDITION.fullmatch(words):
        raise InvalidInput(f"{words!r} is a condition: write it behind -w.")
    with connect(ctx) as ab:
        page = {name: value for name, value in (("limit", limit), ("skip", skip)) if value is not None}
        if words is not None:
            asked["search"] = words
        found = ab.actors.getSearch(collection=collection.value, query=asked | page)
    names = _COLUMNS[collection]
    rows = [[_text(one, name) for name in names] for one in found.search]
    report(output, found, lambda: print_table([name.upper() for name in names], rows))
    total = found["_metadata"]["totalCount"]
    if output is Format.TABLE and total > len(rows):
        note(f"{len(rows)} of {total}; --limit and --skip show others")


def _text(one: Mapping[str, Any], name: str) -> str:
    value = one.get(name, one.get(_SNAKE.get(name, name)))
    return "-" if value is None else str(value)
