"""Workers and the pool of this machine, with scripted containers in real threads."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from select import select

import pytest
from pool.scripted import PATIENCE, Heard, ScriptedImages, ScriptedRuntime, order, task
from store.scene import outcome

from abaco.domain.execution import Outcome, StopReason
from abaco.domain.lifecycle import ExecutionStatus
from abaco.pool.local import LocalPool
from abaco.ports import (
    ContainerSink,
    ContainerSpec,
    ContainerStartError,
    ExecutionEnded,
    ImageError,
    LogAppended,
    ResultSent,
    StartFailed,
    Stop,
    TasksReturned,
    WorkerFailed,
    WorkerReady,
)

Open = Callable[..., LocalPool]
READY = WorkerReady("w1", "sha256:1")
HALTED = outcome(reason=StopReason.HALTED)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def open_pool(heard: Heard) -> Iterator[Open]:
    """Pools that are closed in the end; no thread may be left then."""
    before = set(threading.enumerate())
    pools: list[LocalPool] = []

    def opened(runtime: ScriptedRuntime, images: ScriptedImages | None = None) -> LocalPool:
        pools.append(LocalPool(images or ScriptedImages(), runtime, heard))
        return pools[-1]

    yield opened
    for pool in pools:
        pool.close()
    assert set(threading.enumerate()) <= before


class UntilHalted:
    """A container that says that it started, and runs until it is stopped."""

    def __init__(self) -> None:
        self.started: SimpleQueue[str] = SimpleQueue()

    def __call__(self, spec: ContainerSpec, sink: ContainerSink, stop: Stop) -> Outcome:
        self.started.put(spec.execution_id)
        assert select([stop], [], [], PATIENCE)[0]
        assert stop.is_set()
        return HALTED


def test_a_worker_runs_one_task_after_the_other_in_one_sandbox(open_pool: Open, heard: Heard) -> None:
    def container(spec: ContainerSpec, sink: ContainerSink, _: Stop) -> Outcome:
        sink.output(f"I am {spec.execution_id}".encode())
        sink.result(b"r")
        return outcome(exit_code=3)

    runtime = ScriptedRuntime(container)
    pool = open_pool(runtime)
    pool.start(order())
    assert heard.next() == READY
    for execution_id in ("e1", "e2"):
        pool.run("w1", task(execution_id, attempt=2))
        ended = ExecutionEnded("w1", execution_id, 2, outcome(exit_code=3), f"I am {execution_id}", (b"r",))
        assert heard.next() == ended
    assert len(runtime.sandboxes) == 1


@pytest.mark.parametrize(
    ("images", "runtime", "reason"),
    [
        (ScriptedImages(ImageError("no such image")), ScriptedRuntime(), "no such image"),
        (ScriptedImages(), ScriptedRuntime(error=OSError(28, "No space left")), "No space left"),
        (ScriptedImages(ValueError("surprise")), ScriptedRuntime(), "ValueError: surprise"),
        (ScriptedImages(), ScriptedRuntime(error=RuntimeError("surprise")), "RuntimeError: surprise"),
    ],
    ids=["image", "disk", "bug in images", "bug in the runtime"],
)
def test_a_worker_that_cannot_be_prepared_says_why(
    open_pool: Open, heard: Heard, images: ScriptedImages, runtime: ScriptedRuntime, reason: str
) -> None:
    pool = open_pool(runtime, images)
    pool.start(order())
    failed = heard.next()
    assert isinstance(failed, WorkerFailed)
    assert failed.worker_id == "w1"
    assert failed.reason.endswith(reason)


def test_a_container_that_does_not_start_leaves_its_worker_free(open_pool: Open, heard: Heard) -> None:
    errors = [ContainerStartError("no such program")]

    def container(*_: object) -> Outcome:
        if errors:
            raise errors.pop()
        return outcome()

    pool = open_pool(ScriptedRuntime(container))
    pool.start(order())
    heard.next()
    pool.run("w1", task())
    assert heard.next() == StartFailed("w1", "e1", 1, "no such program")
    pool.run("w1", task(attempt=2))
    assert heard.next() == ExecutionEnded("w1", "e1", 2, outcome(), "")


def test_whatever_else_goes_wrong_ends_the_execution_in_error_with_its_log(open_pool: Open, heard: Heard) -> None:
    def container(_: ContainerSpec, sink: ContainerSink, __: Stop) -> Outcome:
        sink.output(b"so far so good")
        raise ZeroDivisionError("oops")

    pool = open_pool(ScriptedRuntime(container))
    pool.start(order())
    heard.next()
    pool.run("w1", task())
    ended = heard.next()
    assert isinstance(ended, ExecutionEnded)
    assert ended.outcome.status is ExecutionStatus.ERROR
    assert ended.outcome.error == "The service failed to run the container: ZeroDivisionError: oops"
    assert ended.log_text == "so far so good"


def test_a_halt_stops_the_attempt_it_names_and_no_other(open_pool: Open, heard: Heard) -> None:
    container = UntilHalted()
    pool = open_pool(ScriptedRuntime(container))
    for worker_id in ("w1", "w2"):
        pool.start(order(worker_id))
        heard.next()
    pool.run("w1", task("e1", attempt=2))
    pool.run("w2", task("e2"))
    assert {container.started.get(timeout=PATIENCE) for _ in range(2)} == {"e1", "e2"}

    pool.halt("e1", 1)  # an earlier attempt
    pool.halt("e3", 1)
    pool.halt("e2", 1)
    assert heard.next() == ExecutionEnded("w2", "e2", 1, HALTED, "")
    pool.halt("e1", 2)
    assert heard.next() == ExecutionEnded("w1", "e1", 2, HALTED, "")
    pool.halt("e1", 2)  # over already


def test_a_halt_before_the_container_starts_is_not_lost(open_pool: Open, heard: Heard) -> None:
    images = ScriptedImages()
    images.gate.clear()
    pool = open_pool(ScriptedRuntime(UntilHalted()), images)
    pool.start(order())
    pool.run("w1", task())
    pool.halt("e1", 1)
    pool.halt("e1", 1)
    images.gate.set()
    assert heard.next() == READY
    assert heard.next() == ExecutionEnded("w1", "e1", 1, HALTED, "")


def test_a_retired_worker_leaves_and_takes_its_sandbox_along(open_pool: Open, heard: Heard) -> None:
    runtime = ScriptedRuntime()
    pool = open_pool(runtime)
    pool.start(order())
    heard.next()
    [thread] = [thread for thread in threading.enumerate() if thread.name == "worker-w1"]
    pool.stop("w1")
    pool.stop("unknown")
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert runtime.sandboxes[0].is_closed


def test_a_worker_that_is_let_go_while_it_prepares_says_nothing(open_pool: Open, heard: Heard) -> None:
    images = ScriptedImages()
    images.gate.clear()
    pool = open_pool(ScriptedRuntime(), images)
    pool.start(order())
    [thread] = [thread for thread in threading.enumerate() if thread.name == "worker-w1"]
    assert images.asked.wait(PATIENCE)
    pool.stop("w1")
    thread.join(5)
    assert not thread.is_alive()
    assert heard.is_empty()


def test_closing_does_not_wait_for_what_is_being_prepared(open_pool: Open, heard: Heard) -> None:
    images = ScriptedImages()
    images.gate.clear()
    pool = open_pool(ScriptedRuntime(), images)
    for worker_id in ("w1", "w2"):
        pool.start(order(worker_id))
    assert images.asked.wait(PATIENCE)
    began = time.monotonic()
    pool.close()
    assert time.monotonic() - began < 5
    assert heard.is_empty()


def test_a_worker_retired_while_busy_finishes_first(open_pool: Open, heard: Heard) -> None:
    container = UntilHalted()
    runtime = ScriptedRuntime(container)
    pool = open_pool(runtime)
    pool.start(order())
    heard.next()
    pool.run("w1", task())
    container.started.get(timeout=PATIENCE)
    pool.stop("w1")
    assert not runtime.sandboxes[0].is_closed
    pool.halt("e1", 1)
    assert heard.next() == ExecutionEnded("w1", "e1", 1, HALTED, "")


def test_closing_kills_what_runs_and_no_word_follows(open_pool: Open, heard: Heard) -> None:
    container = UntilHalted()
    runtime = ScriptedRuntime(container)
    pool = open_pool(runtime)
    for worker_id in ("w1", "w2", "w3"):
        pool.start(order(worker_id))
        heard.next()
    pool.run("w1", task("e1"))
    pool.run("w2", task("e2"))
    for _ in range(2):
        container.started.get(timeout=PATIENCE)

    pool.close()

    assert all(sandbox.is_closed for sandbox in runtime.sandboxes)
    assert heard.is_empty()


def test_output_is_sent_on_while_the_container_runs_and_not_twice(open_pool: Open, heard: Heard) -> None:
    def container(_: ContainerSpec, sink: ContainerSink, __: Stop) -> Outcome:
        sink.output(b"early ")
        sink.result(b"one")
        sink.flush(math.inf)
        sink.output(b"late")
        sink.result(b"two")
        return outcome()

    pool = open_pool(ScriptedRuntime(container))
    pool.start(order())
    heard.next()
    pool.run("w1", task())
    assert heard.next() == ResultSent("e1", 1, b"one")
    assert heard.next() == LogAppended("e1", 1, "early ")
    assert heard.next() == ExecutionEnded("w1", "e1", 1, outcome(), "late", (b"two",))


def test_tasks_run_one_after_the_other_and_say_whether_more_follow(heard: Heard, open_pool: Open) -> None:
    container = UntilHalted()
    pool = open_pool(ScriptedRuntime(container))
    pool.start(order())
    assert heard.next() == READY
    for number in (1, 2):
        pool.run("w1", task(f"e{number}"))
    assert container.started.get(timeout=PATIENCE) == "e1"
    pool.halt("e1", 1)
    first = heard.next()
    assert isinstance(first, ExecutionEnded)
    assert (first.execution_id, first.goes_on) == ("e1", True)
    assert container.started.get(timeout=PATIENCE) == "e2"
    pool.halt("e2", 1)
    second = heard.next()
    assert isinstance(second, ExecutionEnded)
    assert (second.execution_id, second.goes_on) == ("e2", False)


def test_what_has_not_begun_comes_back_when_it_is_asked_for(heard: Heard, open_pool: Open) -> None:
    container = UntilHalted()
    pool = open_pool(ScriptedRuntime(container))
    pool.start(order())
    assert heard.next() == READY
    for number in (1, 2, 3):
        pool.run("w1", task(f"e{number}"))
    assert container.started.get(timeout=PATIENCE) == "e1"
    pool.recall("w1")
    assert heard.next() == TasksReturned("w1", [("e2", 1), ("e3", 1)])
    pool.halt("e1", 1)
    ended = heard.next()
    assert isinstance(ended, ExecutionEnded)
    assert not ended.goes_on
    pool.run("w1", task("e4"))
    assert container.started.get(timeout=PATIENCE) == "e4"
    pool.halt("e4", 1)
    assert isinstance(heard.next(), ExecutionEnded)


def test_a_halt_waits_for_its_tasks_turn(heard: Heard, open_pool: Open) -> None:
    container = UntilHalted()
    pool = open_pool(ScriptedRuntime(container))
    pool.start(order())
    assert heard.next() == READY
    pool.run("w1", task("e1"))
    pool.run("w1", task("e2"))
    pool.halt("e2", 1)
    assert container.started.get(timeout=PATIENCE) == "e1"
    pool.halt("e1", 1)
    assert [heard.next().execution_id for _ in range(2)] == ["e1", "e2"]  # type: ignore[union-attr]
