"""What a hostile container pours out: the engine keeps what fits, does not grow, and stops it when it should."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from dockerd import Dockerd
from pool.scripted import Heard
from runtime.test_container_results import SEND

from abaco.domain.execution import StopReason
from abaco.pool.local import LocalPool
from abaco.pool.recorder import DROPPED, MAX_RESULTS, TRUNCATED
from abaco.ports import (
    ContainerSpec,
    ExecutionEnded,
    ImageProvider,
    ImageRef,
    LogAppended,
    PreparedImage,
    ResultSent,
    Runtime,
    Task,
    WorkerOrder,
    WorkerReady,
)

LOG_CHARACTERS = 100_000
MEMORY = 48 << 20
"""What the engine, and Docker's, may grow by while a gigabyte passes."""
GIGABYTE = "dd if=/dev/zero bs=1M count=1024 2>/dev/null; exit 9"
MILLION_RESULTS = (
    SEND
    + """
connect($socket, $address);
send($socket, "result $_", 0) or die for 1..1_000_000;
exit 9
"""
)
ENDLESS = {
    "text": "exec yes",
    "garbage": "exec cat /dev/urandom",
    "zeros": "exec cat /dev/zero",
    "results": 'exec perl -e "$PROGRAM"',
}


class Engine:
    """A pool with real containers, and what has become of each execution, whose id is its worker's."""

    def __init__(self, images: ImageProvider, runtime: Runtime, image: PreparedImage) -> None:
        self._image = ImageRef(image.name, image.digest)
        self._heard = Heard()
        self.pool = LocalPool(images, runtime, self._heard)
        self.logs: dict[str, str] = {}
        self.results: list[bytes] = []
        self.ended: dict[str, ExecutionEnded] = {}

    def start(self, worker_id: str) -> None:
        self.pool.start(WorkerOrder(worker_id, "actor1", self._image))
        assert isinstance(self._heard.next(), WorkerReady)

    def give(self, worker_id: str, script: str, program: str = "", **limits: Any) -> None:
        spec = ContainerSpec(worker_id, {"MSG": script, "PROGRAM": program}, **limits)
        self.pool.run(worker_id, Task(1, spec, LOG_CHARACTERS))

    def listen(self) -> None:
        """To one event."""
        match self._heard.next():
            case LogAppended(execution_id, _, text):
                self._append(execution_id, text)
            case ResultSent(_, _, data):
                self.results.append(data)
            case ExecutionEnded() as event:
                self._append(event.execution_id, event.log_text)
                self.results += event.results
                self.ended[event.execution_id] = event
            case event:
                raise AssertionError(event)

    def await_end(self, execution_id: str) -> ExecutionEnded:
        while execution_id not in self.ended:
            self.listen()
        return self.ended[execution_id]

    def _append(self, execution_id: str, text: str) -> None:
        self.logs[execution_id] = self.logs.get(execution_id, "") + text


@pytest.fixture
def engine(images: ImageProvider, runtime: Runtime, shell: PreparedImage) -> Iterator[Engine]:
    engine = Engine(images, runtime, shell)
    yield engine
    engine.pool.close()


@contextmanager
def bounded(*processes: str) -> Iterator[None]:
    """None of the processes takes more than MEMORY beyond what it has now, at any time."""
    before = {}
    for process in processes:
        Path(f"/proc/{process}/clear_refs").write_text("5")  # the peak is what it has now
        before[process] = _memory(process, "VmRSS")
    yield
    for process, had in before.items():
        assert _memory(process, "VmHWM") - had < MEMORY, process


def _memory(process: str, what: str) -> int:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(f"{what}:"))


@pytest.fixture
def processes(kind: str, request: pytest.FixtureRequest) -> list[str]:
    """Those that a container's words go through on their way."""
    if kind == "crun":
        return ["self"]
    dockerd: Dockerd = request.getfixturevalue("dockerd")
    return ["self", str(dockerd.pid)]


def test_of_a_gigabyte_of_output_what_fits_is_kept(engine: Engine, processes: list[str]) -> None:
    with bounded(*processes):
        engine.start("worker1")
        engine.give("worker1", GIGABYTE)
        assert engine.await_end("worker1").outcome.exit_code == 9
    assert engine.logs["worker1"] == "\N{REPLACEMENT CHARACTER}" * LOG_CHARACTERS + TRUNCATED


def test_what_a_container_said_is_sent_on_while_it_says_no_more(engine: Engine) -> None:
    engine.start("worker1")
    engine.give("worker1", "echo early; " + ENDLESS["results"], SEND + 'result("one"); sleep')
    while not (engine.logs and engine.results):
        engine.listen()
    assert (engine.logs, engine.results, engine.ended) == ({"worker1": "early\n"}, [b"one"], {})
    engine.pool.halt("worker1", 1)
    assert engine.await_end("worker1").log_text == ""


def test_of_a_million_results_those_that_fit_are_kept(engine: Engine, processes: list[str]) -> None:
    with bounded(*processes):
        engine.start("worker1")
        engine.give("worker1", 'exec perl -e "$PROGRAM"', MILLION_RESULTS)
        assert engine.await_end("worker1").outcome.exit_code == 9
    assert engine.results == [b"result %d" % number for number in range(1, MAX_RESULTS + 1)]
    assert engine.logs["worker1"] == DROPPED


@pytest.mark.parametrize("flood", ENDLESS)
def test_an_endless_flood_holds_nobody_up_and_ends_at_its_time_limit(
    engine: Engine, processes: list[str], flood: str
) -> None:
    with bounded(*processes):
        engine.start("worker1")
        engine.start("worker2")
        program = SEND + 'result("x" x 1000) while 1'
        engine.give("worker1", ENDLESS[flood], program, max_run_seconds=2, stop_grace_seconds=0)
        while not (engine.logs or engine.results):
            engine.listen()
        engine.give("worker2", "echo fine")
        engine.await_end("worker2")
        assert (engine.logs["worker2"], "worker1" in engine.ended) == ("fine\n", False)
        outcome = engine.await_end("worker1").outcome
    assert outcome.reason is StopReason.TIMED_OUT
    assert outcome.started_at is not None
    assert (outcome.finished_at - outcome.started_at).total_seconds() < 8
    assert engine.logs["worker1"].endswith(DROPPED if flood == "results" else TRUNCATED)
