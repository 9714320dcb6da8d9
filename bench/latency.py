"""From POST to COMPLETE, as a client sees it, beside the yardsticks; interleaved, so that noise hits all alike."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from bench.bare import bare_crun, docker_run
from bench.live import LiveServer

from abaco.client import Abaco

__all__ = ["Latency", "measure_latency", "medians"]

Latency = dict[str, list[float]]
"""Seconds of each run, by side."""
_POLL_SECONDS = 0.001


def _post_to_complete(ab: Abaco, actor_id: str, environment: dict[str, str]) -> float:
    started = time.perf_counter()
    sent = ab.messages.send(actor_id, "hello", environment=environment)
    while ab.executions.get(actor_id, sent.execution_id).status != "COMPLETE":
        time.sleep(_POLL_SECONDS)
    return time.perf_counter() - started


def measure_latency(
    server: LiveServer, actor_id: str, archive: Path, environment: dict[str, str], rounds: int
) -> Latency:
    """Runs every side once a round. The actor must be READY and run the image in `archive`."""
    docker = docker_run(archive, environment)
    with server.client() as ab, bare_crun(archive, environment) as crun:
        sides: dict[str, Callable[[], float]] = {
            "bare crun run": crun.run,
            "Abaco, POST to COMPLETE": lambda: _post_to_complete(ab, actor_id, environment),
        }
        if docker is not None:
            sides["docker run"] = docker.run
        for run in sides.values():
            run()
        times: Latency = {name: [] for name in sides}
        for _ in range(rounds):
            for name, run in sides.items():
                times[name].append(run())
    return times


def medians(times: Latency) -> dict[str, float]:
    """Median milliseconds by side."""
    return {name: statistics.median(values) * 1000 for name, values in times.items()}
