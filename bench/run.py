"""`make bench`: measures what the documentation promises and writes bench/RESULTS.md."""

import os
import platform
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.latency import measure_latency, medians
from bench.live import ROOT, SAMPLES, live_server
from bench.posts import measure_posts
from bench.scale import scale_report

from abaco.client import Abaco

_ROUNDS = 100
_POST_SECONDS = 10
_POST_RUNS = 3
_SCALE_ROUNDS = 20
_QUICK = {"SLEEP": "0"}


def _ready(ab: Abaco, image: str, **attributes: int) -> str:
    actor = ab.actors.add(image, **attributes)  # type: ignore[arg-type]
    ab.actors.wait(actor.id, timeout=60)
    return actor.id


def _latency_table(times: dict[str, float]) -> Sequence[str]:
    base = times["bare crun run"]
    rows = [f"| {name} | {value:.1f} ms | {value / base:.2f} |" for name, value in times.items()]
    return ["| side | median | x bare crun |", "|---|---|---|", *rows]


def _report(latency: dict[str, float], posts: Sequence[float]) -> str:
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    docker = "docker run" in latency
    lines = [
        "# What we measured",
        "",
        f"Written by `make bench` on {now}: {os.cpu_count()} cores, Linux {platform.release()}, Python",
        f"{platform.python_version()}. Expect noise; the ratios are what counts.",
        "",
        f"## One message, `abacosamples/test`, {_ROUNDS} rounds, sides interleaved",
        "",
        *_latency_table(latency),
        "",
        "" if docker else "No Docker engine answered on this machine, so there is no `docker run` beside it.\n",
        f"## Messages accepted (fsynced), wrk, 32 connections, {_POST_SECONDS} s, engine running",
        "",
        f"{sorted(posts)[len(posts) // 2]:,.0f} a second (median of {', '.join(f'{rate:,.0f}' for rate in posts)}).",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    archive = SAMPLES / "abacosamples_test.tar"
    with (
        tempfile.TemporaryDirectory() as name,
        live_server(Path(name) / "data", "test") as server,
        server.client() as ab,
    ):
        quick = _ready(ab, "abacosamples/test")
        latency = medians(measure_latency(server, quick, archive, _QUICK, _ROUNDS))
        print("\n".join(_latency_table(latency)))
        # One worker: what is measured is accepting, not executing.
        busy = _ready(ab, "abacosamples/test", max_workers=1)
        posts = [measure_posts(server, busy, _POST_SECONDS) for _ in range(_POST_RUNS)]
        ab.messages.purge(busy)
    report = "\n".join([_report(latency, posts), *scale_report(_SCALE_ROUNDS)])
    (ROOT / "bench" / "RESULTS.md").write_text(report)
    print(report)


if __name__ == "__main__":
    main()
