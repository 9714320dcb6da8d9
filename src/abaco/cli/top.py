"""`abaco top`: who waits, who works, and how fast, as it changes."""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from abaco.cli.output import printable
from abaco.cli.session import connect, session_of
from abaco.client import Abaco

__all__ = ["register"]

_RATE_SECONDS = 10
_PAGE = 1_000
"""Executions and workers that are asked for at once; beyond that, the sums are right and single actors' are not."""
_LIVE = '["SUBMITTED", "RUNNING"]'


def register(app: typer.Typer) -> None:
    app.command("top", epilog="Example: abaco top --every 2")(_top)


@dataclass(frozen=True, slots=True)
class _Load:
    """What goes on: sums, and numbers by actor."""

    names: Mapping[str, str]
    totals: Mapping[str, int]
    waiting: Counter[str]
    running: Counter[str]
    workers: Counter[str]
    ended: Counter[str]

    def actors(self) -> Sequence[str]:
        """Those with anything going on, the busiest first."""
        busy = self.waiting + self.running + self.workers + self.ended
        return sorted(busy, key=lambda id_: (-self.running[id_], -self.waiting[id_], -self.ended[id_], id_))


def _top(
    ctx: typer.Context,
    every: Annotated[float, typer.Option(min=0.2, metavar="SECONDS", help="How often to look.")] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="Look once, as is done anyway without a terminal.")] = False,
) -> None:
    """Show what waits, runs and ends of the actors you may read, until Ctrl-C."""
    clock = session_of(ctx).clock
    with connect(ctx) as ab:
        if once or not sys.stdout.isatty():
            Console().print(_drawn(_look(ab)))
            return
        with Live(_drawn(_look(ab)), auto_refresh=False, screen=True) as live:
            while True:
                clock.sleep(every)
                live.update(_drawn(_look(ab)), refresh=True)


def _look(ab: Abaco) -> _Load:
    since = datetime.now(UTC) - timedelta(seconds=_RATE_SECONDS)
    actors = _found(ab, "actors", {})
    alive = _found(ab, "executions", {"status.in": _LIVE})
    ended = _found(ab, "executions", {"finishTime.gt": since.isoformat(timespec="milliseconds")})
    workers = _found(ab, "workers", {})
    by_status = {status: [one for one in alive.search if one.status == status] for status in ("SUBMITTED", "RUNNING")}
    return _Load(
        names={one.id: one.name or one.image for one in actors.search},
        totals={
            "actors": _total(actors),
            "waiting or running": _total(alive),
            "workers": _total(workers),
            f"ended in {_RATE_SECONDS} s": _total(ended),
        },
        waiting=Counter(one.actorId for one in by_status["SUBMITTED"]),
        running=Counter(one.actorId for one in by_status["RUNNING"]),
        workers=Counter(one.actorId for one in workers.search),
        ended=Counter(one.actorId for one in ended.search),
    )


def _found(ab: Abaco, collection: str, conditions: Mapping[str, str]) -> Any:
    return ab.actors.getSearch(collection=collection, query={**conditions, "limit": _PAGE})


def _total(found: Mapping[str, Any]) -> int:
    return int(found["_metadata"]["totalCount"])


def _drawn(load: _Load) -> Group:
    head = "   ".join(f"{name} {number:,}" for name, number in load.totals.items())
    table = Table(box=None, pad_edge=False)
    table.add_column("ACTOR", no_wrap=True)
    table.add_column("NAME", overflow="ellipsis", no_wrap=True)
    for name in ("WAITING", "RUNNING", "WORKERS", "PER SECOND"):
        table.add_column(name, justify="right")
    for id_ in load.actors():
        counts = (load.waiting[id_], load.running[id_], load.workers[id_])
        rate = f"{load.ended[id_] / _RATE_SECONDS:.1f}"
        table.add_row(id_, Text(printable(load.names.get(id_, "-"))), *map(str, counts), rate)
    return Group(Text(head), Text(""), table)
