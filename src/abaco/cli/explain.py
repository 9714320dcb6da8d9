"""`abaco explain`."""

from datetime import datetime

import typer

from abaco.cli.output import Format, print_table, printable, report
from abaco.cli.parameters import ActorArgument, LatestExecutionArgument, OutputOption
from abaco.cli.resolve import find_actor, find_execution
from abaco.cli.session import connect
from abaco.client import Explanation

__all__ = ["register"]

_COLUMNS = ("PHASE", "SINCE (UTC)", "TOOK")
_UNKNOWN = "-"


def register(app: typer.Typer) -> None:
    app.command("explain", epilog="Example: abaco explain counter 5Gk")(_explain)


def _explain(
    ctx: typer.Context,
    actor: ActorArgument,
    execution: LatestExecutionArgument = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """Say why an execution waits or how it ended, and where its time goes."""
    with connect(ctx) as ab:
        actor_id = find_actor(ab, actor).id
        found = ab.executions.explain(actor_id, find_execution(ab, actor_id, execution))
    report(output, found.raw, lambda: _tell(found))


def _tell(found: Explanation) -> None:
    print_table(_COLUMNS, _phases(found))
    typer.echo(f"\n{found.status}: {printable(found.reason)}")


def _phases(found: Explanation) -> list[tuple[str, str, str]]:
    times, took = found.times, found.durations
    began = times.started or (times.claimed if times.recorded is None else None)
    rows = [
        ("waiting", _moment(times.queued), _duration(took.waiting)),
        ("preparing", _moment(times.claimed), _duration(took.preparing)),
        ("starting", _moment(times.prepared), _duration(took.starting)),
        ("running", _moment(began), _duration(took.running)),
        ("  until its first output", _moment(times.started), _duration(took.until_output)),
        ("recording", _moment(times.exited), _duration(took.recording)),
        ("total", _moment(times.queued), _duration(took.total)),
    ]
    return [row for row in rows if row[1:] != (_UNKNOWN, _UNKNOWN)]


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03}" if at else _UNKNOWN


def _duration(milliseconds: int | None) -> str:
    if milliseconds is None:
        return _UNKNOWN
    return f"{milliseconds} ms" if milliseconds < 10_000 else f"{milliseconds / 1000:.1f} s"
