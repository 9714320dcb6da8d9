"""What people see on stderr while they wait."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TransferSpeedColumn,
)

from abaco.client import Actor, Execution

__all__ = ["sending", "waiting"]


@contextmanager
def waiting(subject: str) -> Iterator[Callable[[Actor | Execution], None]]:
    """A spinner with `subject`, its latest status and the time so far; silent unless stderr is a terminal.

    Yields the function to call with every change.
    """
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(subject)
        yield lambda found: progress.update(task, description=f"{subject} {found.status}")


@contextmanager
def sending(subject: str) -> Iterator[Callable[[int, int], None]]:
    """A bar with `subject` and the bytes sent so far; silent unless stderr is a terminal.

    Yields the function to call with the bytes sent, and those to send in all.
    """
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(subject, total=None)
        yield lambda sent, total: progress.update(task, completed=sent, total=total)
