"""`make bench`: measures what the documentation promises and writes bench/RESULTS.md and a plot beside it."""

import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bench.calls import caller, cold_times, interleaved, percentile, warm_rate
from bench.containers import BareLoop, DockerLoop, bare_loop, drain_rate
from bench.docker import docker_loop
from bench.echo import echo_server
from bench.executors import CALLS, OURS, PARSL, POOL, WORKERS, executor_times
from bench.live import ROOT, SAMPLES, LiveServer, live_server
from bench.memory import children, resident_megabytes
from bench.plot import draw
from bench.posts import Target, measure_posts
from bench.scale import add_actors, scale_report

from abaco.client import Abaco, Actor
from abaco.runtime.kernel import enter_private_mounts

_SAMPLE = "abacosamples/test"
_WARM = "abacosamples/warm_echo"
_QUICK = "SLEEP=0"
_ROUNDS = 3
_MESSAGES = 2_000
_CALLS = 1_000
_BLOCK = 20
"""Calls in a row: a single one of each side would run beside the next container of the side before, being prepared."""
_COLD = 20
_POST_SECONDS = 8
_CONNECTIONS = (32, 128)
_WARM_SECONDS = 5.0
_MANY_ACTORS = (100, 10_000)
_WORKERS = (1, 2, 4, 8)
_SCALE_ROUNDS = 20


@dataclass
class Results:
    """Medians: rates a second, times in milliseconds, memory in megabytes."""

    bare: dict[int, float] = field(default_factory=dict)
    docker: dict[int, float] = field(default_factory=dict)
    ours: float = 0.0
    calls: dict[str, list[float]] = field(default_factory=dict)
    warm_rate: float = 0.0
    warm_backlog: float = 0.0
    cold_ready: list[float] = field(default_factory=list)
    cold_answer: list[float] = field(default_factory=list)
    posts: dict[int, tuple[float, float]] = field(default_factory=dict)
    """By connections: ours, and those of a handler that does nothing."""
    executors: Mapping[str, float] = field(default_factory=dict)
    workers: dict[int, float] = field(default_factory=dict)
    crowds: dict[int, list[float]] = field(default_factory=dict)
    idle: Mapping[str, float] = field(default_factory=dict)
    loaded: Mapping[str, float] = field(default_factory=dict)
    idle_children: int = 0


def _ready(ab: Abaco, image: str, **attributes: object) -> str:
    actor: Actor = ab.actors.add(image, **attributes)  # type: ignore[call-overload]
    ab.actors.wait(actor.id, timeout=60)
    return actor.id


def _rates(server: LiveServer, actor: str, bare: BareLoop, docker: DockerLoop, results: Results) -> None:
    """Backlogs of ours between loops of the others, which are tried with several parallelisms."""
    ours: list[float] = []
    others: dict[tuple[str, int], list[float]] = {}
    for _ in range(_ROUNDS):
        for parallel in (2, 4, 8):
            others.setdefault(("bare", parallel), []).append(bare.rate(400, parallel))
        ours.append(drain_rate(server, actor, _MESSAGES, _QUICK))
        for parallel in (2, 4):
            others.setdefault(("docker", parallel), []).append(docker.rate(24, parallel))
    results.ours = statistics.median(ours)
    for (side, parallel), rates in others.items():
        getattr(results, side)[parallel] = statistics.median(rates)


def _calls(server: LiveServer, cold: str, warm: str, bare: BareLoop, results: Results) -> None:
    with caller(server, cold, _QUICK) as message, caller(server, warm, "") as served:
        sides: dict[str, Callable[[], object]] = {
            "bare crun run": bare.run,
            "synchronous message": message,
            "warm message": served,
        }
        results.calls = interleaved(sides, _CALLS // _BLOCK, _BLOCK)
    rates = [warm_rate(server, warm, callers=4, seconds=_WARM_SECONDS) for _ in range(_ROUNDS)]
    results.warm_rate = statistics.median(rates)
    results.warm_backlog = statistics.median(drain_rate(server, warm, _MESSAGES, "") for _ in range(_ROUNDS))


def _posts(server: LiveServer, ab: Abaco, results: Results) -> None:
    # One worker: what is measured is accepting, not executing.
    actor = _ready(ab, _SAMPLE, max_workers=1)
    ours = Target(server.url, server.token)
    with echo_server(server) as echo:
        for connections in _CONNECTIONS:
            rates = [
                [measure_posts(side, actor, _POST_SECONDS, connections) for side in (ours, echo)]
                for _ in range(_ROUNDS)
            ]
            posts, echoes = map(statistics.median, zip(*rates, strict=True))
            results.posts[connections] = posts, echoes
    ab.messages.purge(actor)


def _crowds(results: Results) -> None:
    """A server of few actors, and of many: what a call costs, and what the server takes when nothing happens."""
    with tempfile.TemporaryDirectory() as name:
        server = LiveServer(Path(name) / "data", worker_idle_seconds="1", sync_idle_seconds="1")
        server.prepare("test")
        with _running(server), server.client() as ab:
            actor = _ready(ab, _SAMPLE)
            results.crowds[1] = _call_times(server, actor)
        for number in _MANY_ACTORS:
            add_actors(server.data / "abaco.db", number)
            with _running(server):
                results.crowds[number] = _call_times(server, actor)
        with _running(server):
            subprocess.run(["sleep", "5"], check=True)
            results.idle, results.idle_children = resident_megabytes(server), children(server)


@contextmanager
def _running(server: LiveServer) -> Iterator[None]:
    server.start()
    try:
        yield
    finally:
        server.stop()


def _call_times(server: LiveServer, actor: str) -> list[float]:
    with caller(server, actor, _QUICK) as call:
        return interleaved({"call": call}, 100)["call"]


def _workers(results: Results) -> None:
    """A backlog for 1 to 8 workers."""
    for workers in _WORKERS:
        with (
            tempfile.TemporaryDirectory() as name,
            live_server(Path(name) / "data", "test", max_workers=str(workers)) as server,
            server.client() as ab,
        ):
            actor = _ready(ab, _SAMPLE)
            drain_rate(server, actor, 40, _QUICK)
            results.workers[workers] = statistics.median(drain_rate(server, actor, 400, _QUICK) for _ in range(_ROUNDS))


def measure() -> Results:
    results = Results()
    archive = SAMPLES / "abacosamples_test.tar"
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(live_server(directory / "data", "test", "warm_echo"))
        ab = stack.enter_context(server.client())
        bare = stack.enter_context(bare_loop(archive, {"SLEEP": "0", "MSG": "hello"}, directory / "bare"))
        docker = stack.enter_context(docker_loop(archive, {"SLEEP": "0", "MSG": "hello"}))
        quick, warm = _ready(ab, _SAMPLE), _ready(ab, _WARM, hints=["warm"])
        drain_rate(server, quick, 80, _QUICK)
        _rates(server, quick, bare, docker, results)
        results.loaded = resident_megabytes(server)
        _calls(server, quick, warm, bare, results)
        ready, answer = cold_times(ab, server, _SAMPLE, _QUICK, _COLD)
        results.cold_ready, results.cold_answer = ready, answer
        _posts(server, ab, results)
    _workers(results)
    _crowds(results)
    results.executors = executor_times()
    return results


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(map(str, line))} |" for line in lines]


def report(results: Results) -> list[str]:
    bare, docker = max(results.bare.values()), max(results.docker.values())
    return [*_rate_lines(results, bare, docker), *_call_lines(results), *_other_lines(results)]


def _rate_lines(results: Results, bare: float, docker: float) -> list[str]:
    workers = ", ".join(f"{n}: {rate:.0f}" for n, rate in results.workers.items())
    rows: list[Sequence[object]] = [["Abaco", f"{results.ours:.0f}", f"{results.ours / bare:.0%}"]]
    rows += [[f"`crun run`, {n} at once", f"{rate:.0f}", f"{rate / bare:.0%}"] for n, rate in results.bare.items()]
    rows += [[f"Docker, {n} at once", f"{rate:.1f}", f"{rate / bare:.0%}"] for n, rate in results.docker.items()]
    text = f"""\
## Containers a second, `abacosamples/test` without its sleep

Medians of {_ROUNDS} rounds, sides in turn. Ours is a backlog of {_MESSAGES:,} messages, from the first claim to
the last outcome on disk, isolated as docs/operations.md says. Bare is the bundle of `crun spec`, without any of
that. Docker is create, start, wait, logs and remove over the Engine API, without a network.
"""
    after = f"""
That is {results.ours / docker:.1f} times the Docker loop. By number of workers, a second: {workers}.

![containers a second](containers.svg)
"""
    return [text, *_table(["side", "a second", "of bare"], rows), after]


def _call_lines(results: Results) -> list[str]:
    calls = {name: (percentile(times, 50), percentile(times, 99)) for name, times in results.calls.items()}
    base = calls["bare crun run"][0]
    rows = [
        [name, f"{p50:.1f} ms", f"{p99:.1f} ms", f"{p50 / base:.2f}", f"{p99 / p50:.1f}"]
        for name, (p50, p99) in calls.items()
    ]
    ready, answered = percentile(results.cold_ready, 50), percentile(results.cold_answer, 50)
    after = f"""
Warm calls over 4 workers: {results.warm_backlog:.0f} a second of a backlog of {_MESSAGES:,}, and
{results.warm_rate:.0f} a second by 4 callers that each wait for the answer. A new actor, image present: READY after
{ready:.0f} ms, first answer after {answered:.0f} ms (p50 of {_COLD}).
"""
    head = ["side", "p50", "p99", "p50 of bare", "p99 / p50"]
    title = f"## One call at a time, {_CALLS:,} of each, sides in turn, {_BLOCK} calls in a row"
    return [title, "", *_table(head, rows), after]


def _other_lines(results: Results) -> list[str]:
    rows = [[f"{n:,}", f"{percentile(times, 50):.1f} ms"] for n, times in results.crowds.items()]
    accepted = [
        [connections, f"{posts:,.0f}", f"{echoes:,.0f}", f"{posts / echoes:.0%}"]
        for connections, (posts, echoes) in results.posts.items()
    ]
    after = f"""
Resident memory of API and engine: {_memory(results.idle)} idle with {max(results.crowds):,} actors,
{_memory(results.loaded)} after the backlogs. Processes below the idle engine: {results.idle_children}.
"""
    return [
        "## Messages accepted (fsynced) a second, wrk, engine running",
        "",
        "The other side is a handler behind the same edge that reads the message and answers, no more.",
        "",
        *_table(["connections", "Abaco", "handler", "of it"], accepted),
        "",
        "## Many actors",
        "",
        *_table(["registered actors", "synchronous message, p50"], rows),
        after,
        *_executor_lines(results.executors),
    ]


def _executor_lines(seconds: Mapping[str, float]) -> list[str]:
    ours, pool = seconds[OURS], seconds[POOL]
    rows = [[name, f"{each:.2f} s", f"{each / ours:.2f}"] for name, each in seconds.items()]
    compared = f"{ours / pool:.2f} of the pool's with `chunksize=1`"
    if PARSL in seconds:
        compared += f", and {ours / seconds[PARSL]:.3f} of Parsl's"
    return [
        f"## `list(executor.map(f, range({CALLS:,})))`, a trivial function, {WORKERS} workers each, sides in turn",
        "",
        *_table(["side", "median", "of ours"], rows),
        "",
        f"Ours is {compared}.",
        "It shares the calls out in chunks by itself, as neither of the others does; with `chunksize=1` each call is",
        "an execution of its own, on disk before it is made, as each `submit` is.",
        "",
    ]


def _memory(roles: Mapping[str, float]) -> str:
    parts = " + ".join(f"{megabytes:.0f}" for megabytes in roles.values())
    return f"{sum(roles.values()):.0f} MB ({parts})"


def main() -> None:
    enter_private_mounts()  # crun refuses hybrid control groups
    results = measure()
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    lines = [
        "# What we measured",
        "",
        f"Written by `make bench` on {now}: {os.cpu_count()} cores, Linux {platform.release()}, Python",
        f"{platform.python_version()}. Expect noise; the ratios are what counts.",
        "",
        *report(results),
    ]
    print("\n".join(lines))
    if "--quick" not in sys.argv:
        lines += scale_report(_SCALE_ROUNDS)
    rates = {"Abaco": results.ours, "crun run": max(results.bare.values()), "Docker": max(results.docker.values())}
    draw(ROOT / "bench" / "containers.svg", "Containers a second", rates)
    (ROOT / "bench" / "RESULTS.md").write_text("\n".join(lines))


if __name__ == "__main__":
    main()
