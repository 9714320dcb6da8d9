"""How long ``list(executor.map(f, range(10_000)))`` takes: ours, a pool of processes, and Parsl's executor, in turn.

As many workers each; containers and processes are started before. Parsl is in an environment of its own (`make bench`
makes it); where it cannot be had, its sides are left out.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import IO, Any, cast

import cloudpickle
from bench.live import ROOT, live_server

from abaco import AbacoExecutor

__all__ = ["CALLS", "OURS", "PARSL", "POOL", "WORKERS", "executor_times"]

CALLS, WORKERS, _ROUNDS = 10_000, 2, 3
"""Two workers: as many as the machine has cores."""
OURS, POOL, PARSL = "`AbacoExecutor`", "`ProcessPoolExecutor`, `chunksize=1`", "Parsl's `HighThroughputExecutor`"
_CHUNK = CALLS // (4 * WORKERS)
_PARSL_PYTHON = ROOT / "build" / "parsl" / "bin" / "python"
_PARSL_WORKER = _PARSL_PYTHON.with_name("process_worker_pool.py")
_PARSL_PROGRAM = f"""
import os, sys, tempfile, time
from parsl.concurrent import ParslPoolExecutor
from parsl.config import Config
from parsl.executors import HighThroughputExecutor
from parsl.providers import LocalProvider

def square(x):
    return x * x

os.chdir(tempfile.mkdtemp())
block = LocalProvider(init_blocks=1, max_blocks=1)
workers = dict(max_workers_per_node={WORKERS}, cores_per_worker=0.1)
htex = HighThroughputExecutor(address="127.0.0.1", provider=block, **workers)
with ParslPoolExecutor(Config(executors=[htex])) as executor:
    list(executor.map(square, range({WORKERS})))
    print("ready", flush=True)
    for _ in sys.stdin:
        started_at = time.perf_counter()
        found = list(executor.map(square, range({CALLS})))
        print(time.perf_counter() - started_at, flush=True)
        assert found == [x * x for x in range({CALLS})]
"""


def square(x: int) -> int:
    return x * x


# Sent whole: containers have no such module.
cloudpickle.register_pickle_by_value(sys.modules[__name__])


def executor_times() -> Mapping[str, float]:
    """Medians in seconds, by side."""
    with ExitStack() as leave:
        folder = leave.enter_context(tempfile.TemporaryDirectory())
        server = leave.enter_context(live_server(Path(folder, "data"), "py3_func"))
        ab = leave.enter_context(server.client())
        ours = leave.enter_context(AbacoExecutor(ab, num_workers=WORKERS, progress=False))
        pool = leave.enter_context(ProcessPoolExecutor(WORKERS))
        sides: dict[str, Callable[[], float]] = {
            OURS: partial(_timed, ours),
            f"{OURS}, `chunksize={_CHUNK}`": partial(_timed, ours, chunksize=_CHUNK),
            f"{OURS}, `chunksize=1`": partial(_timed, ours, chunksize=1),
            POOL: partial(_timed, pool, chunksize=1),
            f"`ProcessPoolExecutor`, `chunksize={_CHUNK}`": partial(_timed, pool, chunksize=_CHUNK),
        }
        if _PARSL_WORKER.exists():
            parsl = leave.enter_context(_parsl())
            sides[PARSL] = parsl
        else:
            print(f"Parsl is left out: there is no {_PARSL_WORKER}.", file=sys.stderr)
        for executor in (ours, pool):
            list(executor.map(square, range(WORKERS), chunksize=1))
        times: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(_ROUNDS):
            for name, side in sides.items():
                times[name].append(side())
        return {name: median(each) for name, each in times.items()}


def _timed(executor: Executor, **options: Any) -> float:
    started_at = time.perf_counter()
    found = list(executor.map(square, range(CALLS), **options))
    seconds = time.perf_counter() - started_at
    assert found == [x * x for x in range(CALLS)]
    return seconds


@contextmanager
def _parsl() -> Iterator[Callable[[], float]]:
    """Times a map. Parsl's has a `chunksize`, too, which it ignores."""
    environment = {**os.environ, "PATH": f"{_PARSL_PYTHON.parent}:{os.environ['PATH']}", "PYTHONPATH": ""}
    with tempfile.NamedTemporaryFile("w", suffix=".py") as program:
        program.write(_PARSL_PROGRAM)
        program.flush()
        command = [str(_PARSL_PYTHON), program.name]
        with subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            asked, answers = cast("IO[str]", process.stdin), cast("IO[str]", process.stdout)
            assert answers.readline() == "ready\n"

            def timed() -> float:
                print(file=asked, flush=True)
                return float(answers.readline())

            try:
                yield timed
            finally:
                # Its own end takes minutes, and its workers are in sessions of their own.
                subprocess.run(["pkill", "-KILL", "-f", f"{_PARSL_PYTHON.parent}|parsl: HTEX"], check=False)
