"""How long ``list(executor.map(f, range(10_000)))`` takes: ours, a pool of processes, and Parsl's executor.

    PYTHONPATH=tests .venv/bin/python -m bench.executors

As many workers each; containers and processes are started before. Parsl is measured if it is installed for itself:
``python3 -m venv build/parsl && build/parsl/bin/pip install parsl``.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path

from bench.live import ROOT, live_server

from abaco import AbacoExecutor

_CALLS, _WORKERS, _ROUNDS = 10_000, 4, 3
_PARSL = ROOT / "build" / "parsl" / "bin"
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
workers = dict(max_workers_per_node={_WORKERS}, cores_per_worker=0.1)
htex = HighThroughputExecutor(address="127.0.0.1", provider=block, **workers)
with ParslPoolExecutor(Config(executors=[htex])) as executor:
    list(executor.map(square, range({_WORKERS})))
    for options in ({{}}, {{"chunksize": int(sys.argv[1])}}):
        seconds = []
        for _ in range({_ROUNDS}):
            started_at = time.perf_counter()
            assert list(executor.map(square, range({_CALLS}), **options)) == [x * x for x in range({_CALLS})]
            seconds.append(time.perf_counter() - started_at)
        print(f"Parsl, {{options or 'as it comes'}}: {{min(seconds):.2f}} s", flush=True)
"""


def square(x: int) -> int:
    return x * x


def _report(name: str, executor: Executor, **options: int) -> None:
    list(executor.map(square, range(_WORKERS), chunksize=1))
    seconds = min(_timed(lambda: list(executor.map(square, range(_CALLS), **options))) for _ in range(_ROUNDS))
    print(f"{name}: {seconds:.2f} s", flush=True)


def _timed(work: Callable[[], object]) -> float:
    started_at = time.perf_counter()
    work()
    return time.perf_counter() - started_at


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        live_server(Path(folder, "data"), "py3_func") as server,
        server.client() as ab,
        AbacoExecutor(ab, num_workers=_WORKERS, progress=False) as ours,
    ):
        _report("AbacoExecutor, as it comes", ours)
    chunk = _CALLS // (4 * _WORKERS)
    with ProcessPoolExecutor(_WORKERS) as executor:
        _report("ProcessPoolExecutor, as it comes", executor)
        _report(f"ProcessPoolExecutor, chunksize={chunk}", executor, chunksize=chunk)
    if _PARSL.exists():
        environment = {**os.environ, "PATH": f"{_PARSL}:{os.environ['PATH']}", "PYTHONPATH": ""}
        with tempfile.NamedTemporaryFile("w", suffix=".py") as program:
            program.write(_PARSL_PROGRAM)
            program.flush()
            subprocess.run([_PARSL / "python", program.name, str(chunk)], env=environment, check=True)


if __name__ == "__main__":
    main()
