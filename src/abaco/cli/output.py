"""What verbs print: tables for people, the server's own objects as JSON for scripts, bytes as they are."""

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from abaco.errors import InvalidInput

__all__ = [
    "Format",
    "moment",
    "note",
    "print_bytes",
    "print_json",
    "print_object",
    "print_table",
    "printable",
    "report",
]

_UNBOUNDED = 10_000
_COLLECTIONS = ("executions", "search")
_IDENTIFIERS = ("id", "executionId", "execution_id", "alias", "name")


class Format(StrEnum):
    """How a verb prints."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"
    ID = "id"


def report(output: Format, raw: Any, table: Callable[[], object]) -> None:
    """Print what the server answered as asked for; `table` prints it for people.

    Raises InvalidInput for ids of what has none.
    """
    match output:
        case Format.TABLE:
            table()
        case Format.JSON:
            print_json(raw)
        case Format.YAML:
            print_bytes(msgspec.yaml.encode(raw))
        case Format.ID:
            for each in _ids(raw):
                print_bytes(f"{printable(each)}\n".encode())


def _ids(raw: Any) -> list[str]:
    """What the objects are called by: their ids, or the names that are theirs alone."""
    if isinstance(raw, list):
        return [each for one in raw for each in _ids(one)]
    if isinstance(raw, Mapping):
        for name in _COLLECTIONS:
            if isinstance(raw.get(name), list):
                return _ids(raw[name])
        for name in _IDENTIFIERS:
            if isinstance(raw.get(name), str):
                return [raw[name]]
    raise InvalidInput("-o id: what this verb prints has no ids.")


def print_bytes(content: bytes) -> None:
    """Write `content` to stdout as it is."""
    typer.echo(content, nl=False)


def print_json(value: Any) -> None:
    print_bytes(json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n")


def print_object(raw: Mapping[str, Any]) -> None:
    """One object as two columns: the wire's names and their values; links are left to ``-o json``."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in raw.items():
        if name != "_links":
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            table.add_row(name, Text(printable(text)))
    _console().print(table)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    table.columns[0].no_wrap = True
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    _console().print(table)


def note(text: str) -> None:
    """Tell people something beside the output."""
    typer.echo(f"abaco: {printable(text)}", err=True)


def moment(at: datetime | None) -> str:
    """A time (UTC) for people, to the second."""
    return at.strftime("%Y-%m-%d %H:%M:%S") if at else "-"


def printable(text: str) -> str:
    """`text` on one line, with nothing in it that a terminal would obey: names and messages are other people's."""
    one_line = " ".join(text.split())
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in one_line)


def _console() -> Console:
    # Only a terminal has an edge to wrap at; what goes into a pipe must not be folded.
    return Console() if sys.stdout.isatty() else Console(width=_UNBOUNDED)
