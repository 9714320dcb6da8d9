"""`make demo`: the main job, from nothing to counted words, on a server of its own that is gone afterwards."""

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.calls import caller, interleaved, percentile
from bench.containers import bare_loop
from bench.live import SAMPLES, LiveServer, live_server
from rich.console import Console
from rich.progress import Progress

from abaco.client import Abaco, Actor
from abaco.runtime.kernel import enter_private_mounts

_LICENCES = Path("/usr/share/common-licenses")
_TEXTS = ("GPL-3", "GPL-2", "LGPL-2.1", "Apache-2.0", "GFDL-1.3", "MPL-2.0", "Artistic")
_LINES = 2000
_ROUNDS = 30
_POLL_SECONDS = 0.5
_PATIENCE_SECONDS = 900.0


class DemoFailed(Exception):
    """What Abaco counted is not what is there."""


def _lines(count: int) -> list[str]:
    """Real text: the first `count` lines with words of the licences on this system."""
    texts = [(_LICENCES / name).read_text() for name in _TEXTS if (_LICENCES / name).exists()]
    lines = [line.strip() for text in texts for line in text.splitlines() if line.strip()]
    if len(lines) < count:
        raise DemoFailed(f"{_LICENCES} holds only {len(lines)} lines of text; {count} are needed.")
    return lines[:count]


def _register(ab: Abaco, console: Console, image: str, *, stateless: bool) -> Actor:
    kind = "" if stateless else " --stateful"
    console.print(f"[bold]$ abaco actors create {image}{kind}[/bold]")
    actor = ab.actors.wait(ab.actors.add(image, stateless=stateless).id, timeout=60)
    if actor.status != "READY":
        raise DemoFailed(f"{image}: {actor.status_message}")
    console.print(f"  actor {actor.id} is {actor.status}")
    return actor


@contextmanager
def _timed(console: Console, what: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    console.print(f"  {what} in {time.monotonic() - started:.1f} s")


def _wait_until_done(ab: Abaco, actors: list[Actor], total: int) -> None:
    """Show the mailboxes draining; listing executions is left for the end, it would be most of the work."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    with Progress() as progress:
        bars = {actor.id: progress.add_task(actor.image, total=total) for actor in actors}
        while not progress.finished:
            if time.monotonic() > deadline:
                raise DemoFailed(f"Not done after {_PATIENCE_SECONDS:.0f} s.")
            for actor in actors:
                waiting = ab.messages.count(actor.id)
                done = total - waiting if waiting else _ended(ab, actor)
                progress.update(bars[actor.id], completed=done)
            time.sleep(_POLL_SECONDS)


def _ended(ab: Abaco, actor: Actor) -> int:
    ended = Counter(execution.status for execution in ab.executions.list(actor.id).executions)
    if ended["ERROR"]:
        raise DemoFailed(f"{actor.image}: {dict(ended)}")
    return ended["COMPLETE"]


def _check(ab: Abaco, counter: Actor, adder: Actor, sent: dict[str, str], console: Console) -> None:
    """Hold every log, every result and the state against a count made here, without Abaco."""
    for execution_id, line in sent.items():
        words = line.split()
        log = ab.logs.get(counter.id, execution_id)
        if f"Number of words is: {len(words)}\n" not in log:
            raise DemoFailed(f"The log of {execution_id} does not say {len(words)} words: {log!r}")
        result = json.loads(ab.results.pop(counter.id, execution_id))
        if result != Counter(words):
            raise DemoFailed(f"The result of {execution_id} is not the count of {line!r}: {result}")
    expected = sum(len(line.split()) for line in sent.values())
    state = ab.state.get(adder.id)
    if state != {"count": expected}:
        raise DemoFailed(f"The accumulator's state is {state}; {expected} words were sent.")
    some = next(iter(sent))
    console.print(f"[bold]$ abaco logs {counter.id} {some}[/bold]\n{ab.logs.get(counter.id, some).strip()}")
    console.print(f"[bold]$ abaco state get {adder.id}[/bold]\n{state}")
    console.print(f"[green]All {len(sent)} logs and results and the sum, {expected} words, are right.[/green]")


def _count_words(ab: Abaco, console: Console, count: int) -> None:
    counter = _register(ab, console, "abacosamples/wc", stateless=True)
    adder = _register(ab, console, "abacosamples/sum_reducer", stateless=False)
    lines = _lines(count)
    console.print(f"\n{len(lines)} lines of licences, a message each to the word counter and to the accumulator:")
    with _timed(console, f"{2 * len(lines)} messages posted, each on disk,"):
        sent = {ab.messages.send(counter.id, line).execution_id: line for line in lines}
        for line in lines:
            ab.messages.send(adder.id, json={"message": {"count": len(line.split())}})
    with _timed(console, "all executed, a fresh container each,"):
        _wait_until_done(ab, [counter, adder], len(lines))
    _check(ab, counter, adder, sent, console)


def _show_latency(server: LiveServer, ab: Abaco, console: Console, directory: Path) -> None:
    quick = _register(ab, console, "abacosamples/test", stateless=True)
    enter_private_mounts()  # bare crun refuses "hybrid" control groups
    with (
        bare_loop(SAMPLES / "abacosamples_test.tar", {"SLEEP": "0", "MSG": "hi"}, directory) as bare,
        caller(server, quick.id, "SLEEP=0") as call,
    ):
        times = interleaved({"bare crun run": bare.run, "Abaco, from POST to answer": call}, _ROUNDS)
    console.print(f"\nOne message, median of {_ROUNDS}:")
    for side, seconds in times.items():
        console.print(f"  {side:<26} {percentile(seconds, 50):7.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=_LINES, help="lines of text to count (default %(default)s)")
    options = parser.parse_args()
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory(prefix="abaco-demo-") as name:
        console.print(f"[bold]$ abaco serve --data {name}/data[/bold]")
        with live_server(Path(name) / "data", "test", "wc", "sum_reducer") as server, server.client() as ab:
            console.print(f"  listening on {server.url}\n")
            _count_words(ab, console, options.lines)
            _show_latency(server, ab, console, Path(name))
    console.print("\nThe server stopped cleanly; nothing is left. Next: docs/quickstart.md")


if __name__ == "__main__":
    main()
