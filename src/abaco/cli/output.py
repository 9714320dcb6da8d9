"""What verbs print: tables for people, the server's own objects as JSON for scripts, bytes as they are."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = [
    "Format",
    "moment",
    "note",
    "print_bytes",
    "print_json",
    "print_object",
    "print_table",
    "printable",
]

_UNBOUNDED = 10_000


class Format(StrEnum):
    """How a verb prints."""

    TABLE = "table"
    JSON = "json"


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
