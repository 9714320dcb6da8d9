"""Beginnings and ends of executors: broken connections, programs that start at once, callbacks, forks, what is late."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from textwrap import dedent
from typing import Any

import cloudpickle
import pytest
from bench.live import LiveServer

from abaco import Abaco, AbacoExecutor
from abaco.client.executor.tasks import question
from abaco.errors import InvalidInput

_SECONDS = 60
# The image lacks this module.
cloudpickle.register_pickle_by_value(sys.modules[__name__])


def square(x: int) -> int:
    return x * x


class Asked:
    """Does something when it is pickled."""

    def __init__(self, action: Callable[[], object]) -> None:
        self._action = action

    def __reduce__(self) -> tuple[Any, ...]:
        self._action()
        return int, ()


@pytest.mark.parametrize("name", [None, "ending"])
def test_what_comes_after_the_end_is_refused(ab: Abaco, name: str | None) -> None:
    with AbacoExecutor(ab, name=name, num_workers=1) as executor:
        late = executor.map(square, range(10), chunksize=1, buffersize=2)
        assert [next(late), next(late)] == [0, 1]
    with pytest.raises(RuntimeError, match="after shutdown"):
        list(late)
    other = AbacoExecutor(ab, name=name, num_workers=1)
    with pytest.raises(RuntimeError, match="after shutdown"):
        other.submit(square, Asked(lambda: other.shutdown(wait=False)))
    other.shutdown()
    if name is not None:
        ab.actors.delete(other.actor_id)


def test_connections_that_break_take_no_results_away(ab: Abaco) -> None:
    with AbacoExecutor(ab, name="shaky", num_workers=2) as executor:
        futures = [executor.submit(square, number) for number in range(100)]
        for future in futures[::10]:
            future.result(_SECONDS)
            executor._courier._stream._hang_up()  # as a network does it
        assert [future.result(_SECONDS) for future in futures] == [number**2 for number in range(100)]
    with AbacoExecutor.attach("shaky", ab) as executor:
        assert list(executor.results(_SECONDS)) == [number**2 for number in range(100)]
    ab.actors.delete(executor.actor_id)


def test_a_question_about_the_image_is_nobodys_call(ab: Abaco) -> None:
    with AbacoExecutor(ab, name="asked", num_workers=1) as executor:
        first = executor.submit(square, 3)
        asked = ab.messages.send(executor.actor_id, data=question(["json"]))
        second = executor.submit(square, 4)
        # Two that come while it is still to be answered, and one that comes after.
        for _ in range(2):
            with AbacoExecutor.attach("asked", ab) as attached:
                assert list(attached.results(_SECONDS)) == [9, 16]
        assert [first.result(_SECONDS), second.result(_SECONDS)] == [9, 16]
        ab.actor(executor.actor_id).execution(asked.execution_id).wait(_SECONDS)
        assert b"python" in ab.results.pop(executor.actor_id, asked.execution_id)
        with AbacoExecutor.attach("asked", ab) as attached:
            assert list(attached.results(_SECONDS)) == [9, 16]
    ab.actors.delete(executor.actor_id)


def test_results_are_of_who_attached(executor: AbacoExecutor) -> None:
    with pytest.raises(InvalidInput, match="attach"):
        executor.results()


def test_programs_that_start_at_once_share_the_executor_of_a_name(server: LiveServer) -> None:
    def started(number: int) -> str:
        with server.client() as own, AbacoExecutor(own, name="swarm", num_workers=1) as executor:
            assert executor.submit(square, number).result(_SECONDS) == number**2
            return executor.actor_id

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(started, range(4)))) == 1
    with server.client() as ab:
        with AbacoExecutor.attach("swarm", ab) as executor:
            assert sorted(executor.results(_SECONDS)) == [0, 1, 4, 9]
        ab.actors.delete(executor.actor_id)


def test_a_callback_cannot_wait_for_its_own_executor(ab: Abaco) -> None:
    executor = AbacoExecutor(ab, num_workers=1)
    refused = threading.Event()

    def wait_for_all(_future: object) -> None:
        with pytest.raises(RuntimeError, match="own executor"):
            executor.shutdown()
        refused.set()

    first, second = executor.submit(square, 2), executor.submit(square, 3)
    first.add_done_callback(wait_for_all)
    assert second.result(_SECONDS) == 9
    assert refused.wait(_SECONDS)
    executor.shutdown()


def test_a_callback_that_ends_its_thread_ends_nobody_elses_call(ab: Abaco, caplog: pytest.LogCaptureFixture) -> None:
    with AbacoExecutor(ab, num_workers=1) as executor:
        futures = [executor.submit(square, number) for number in range(5)]
        futures[0].add_done_callback(lambda _: sys.exit("too early"))
        assert not wait(futures, _SECONDS).not_done
    assert "too early" in caplog.text


def test_a_child_of_the_program_ends_by_itself(server: LiveServer) -> None:
    program = dedent("""
        import os, sys
        from abaco import AbacoExecutor
        executor = AbacoExecutor(num_workers=1)
        call = executor.submit(divmod, 7, 2)
        child = os.fork()
        if not child:
            sys.exit(3)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
        print(call.result())
    """)
    environment = {**os.environ, "ABACO_SERVER": server.url, "ABACO_TOKEN": server.token}
    ended = subprocess.run(
        [sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, timeout=_SECONDS, check=True
    )
    assert ended.stdout == b"(3, 1)\n"


def test_the_time_of_a_map_begins_with_its_call(executor: AbacoExecutor) -> None:
    def slow() -> Iterator[int]:
        time.sleep(0.3)
        yield 1

    with pytest.raises(TimeoutError):
        next(executor.map(square, slow(), timeout=0.2))
