"""`AbacoExecutor` on a real server: calls, maps, failures, ends."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import BrokenExecutor, Executor, as_completed, wait
from queue import Queue
from textwrap import dedent
from typing import Any

import cloudpickle
import numpy as np
import pytest
from bench.live import LiveServer, until

from abaco import Abaco, AbacoExecutor
from abaco.client import RemoteTraceback
from abaco.client.executor import images
from abaco.client.old import AbacoExecutor as OldExecutor
from abaco.errors import Conflict, ExecutionFailed, InvalidInput, NotFound

_SECONDS = 60
# The image lacks this module.
cloudpickle.register_pickle_by_value(sys.modules[__name__])


def square(x: int) -> int:
    return x * x


def reciprocal(x: int) -> float:
    return 1 / x


def test_calls(executor: AbacoExecutor) -> None:
    assert isinstance(executor, Executor)
    future = executor.submit(divmod, 7, 2)
    assert future.result(_SECONDS) == (3, 1)
    assert future.done()
    assert future.execution_id
    assert executor.submit(sorted, [1, 3, 2], reverse=True).result(_SECONDS) == [3, 2, 1]
    called: Queue[Any] = Queue()
    executor.submit(square, 4).add_done_callback(called.put)
    assert called.get(timeout=_SECONDS).result() == 16


def test_exceptions_come_back_with_their_traceback(executor: AbacoExecutor) -> None:
    error = executor.submit(reciprocal, 0).exception(_SECONDS)
    assert isinstance(error, ZeroDivisionError)
    assert isinstance(error.__cause__, RemoteTraceback)
    assert "in reciprocal" in str(error.__cause__)
    assert isinstance(executor.submit(sys.exit, 3).exception(_SECONDS), SystemExit)


def test_what_cannot_be_pickled(executor: AbacoExecutor) -> None:
    with pytest.raises(TypeError, match="pickle"):
        executor.submit(square, threading.Lock())
    with pytest.raises(TypeError, match="what the function returned cannot be pickled"):
        executor.submit(lambda: __import__("threading").Lock()).result(_SECONDS)


def test_maps_are_ordered_chunked_and_lazy(executor: AbacoExecutor) -> None:
    assert list(executor.map(square, range(1_000))) == [x * x for x in range(1_000)]
    assert list(executor.map(pow, (2, 3), (5, 4, 9), chunksize=1)) == [32, 81]
    assert list(executor.map(square, [])) == []
    read: list[int] = []
    found = executor.map(square, (read.append(x) or x for x in range(100)), chunksize=2, buffersize=3)  # type: ignore[func-returns-value]
    assert len(read) == 6
    assert list(found) == [x * x for x in range(100)]
    failing = executor.map(reciprocal, [1, 2, 0, 4], chunksize=4)
    assert [next(failing), next(failing)] == [1, 0.5]
    with pytest.raises(ZeroDivisionError):
        next(failing)


def test_the_deadline_of_a_map(executor: AbacoExecutor) -> None:
    found = executor.map(time.sleep, [0, 3], timeout=1, chunksize=1)
    assert next(found) is None
    with pytest.raises(TimeoutError):
        next(found)


def test_results_as_they_come(executor: AbacoExecutor) -> None:
    slow, quick = executor.submit(time.sleep, 1), executor.submit(time.sleep, 0)
    assert list(as_completed([slow, quick], _SECONDS)) == [quick, slow]
    assert wait([slow, quick], _SECONDS).done == {slow, quick}


def test_answers_of_many_parts(executor: AbacoExecutor) -> None:
    data = os.urandom(1_000_000)
    assert executor.submit(bytes, data).result(_SECONDS) == data


def test_a_container_that_dies(executor: AbacoExecutor) -> None:
    with pytest.raises(ExecutionFailed, match="exit code 3"):
        executor.submit(os._exit, 3).result(_SECONDS)
    assert executor.submit(square, 2).result(_SECONDS) == 4


def test_pending_calls_can_be_cancelled(executor: AbacoExecutor) -> None:
    futures = [executor.submit(time.sleep, 0.2) for _ in range(12)]
    assert futures[-1].cancel()
    assert futures[-1].cancelled()
    assert futures[0].result(_SECONDS) is None
    assert not futures[0].cancel()
    assert len(wait(futures, _SECONDS).done) == 12


def test_the_end_of_an_executor(ab: Abaco) -> None:
    executor = AbacoExecutor(ab, num_workers=2)
    futures = [executor.submit(time.sleep, 0.1) for _ in range(20)]
    executor.shutdown(cancel_futures=True)
    assert 0 < sum(future.cancelled() for future in futures) < 20
    assert all(future.cancelled() or future.result(0) is None for future in futures)
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(square, 1)
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.map(square, [1])
    assert executor.actor_id not in {actor.id for actor in ab.actors.list()}


def test_an_actor_that_is_deleted_breaks_the_executor(ab: Abaco) -> None:
    executor = AbacoExecutor(ab, num_workers=1)
    under_way = executor.submit(time.sleep, 30)
    until(lambda: under_way.execution_id is not None)
    ab.actors.delete(executor.actor_id)
    assert under_way.exception(_SECONDS) is not None
    with pytest.raises(BrokenExecutor):
        executor.submit(square, 1)
    executor.shutdown()


def test_a_name_leads_to_nobody_elses_actor(server: LiveServer, ab: Abaco) -> None:
    server.admin("user", "add", "mallory", "--password", "pw")
    with Abaco(server.url, server.admin("token", "mallory")) as other:
        trap = other.actors.add("abacosamples/py3_func", name="popular", hints=["warm"])
        other.actors.updatePermissions(actorId=trap.id, body={"user": "ABACO_WORLD", "level": "UPDATE"})
        assert trap.id in {each.id for each in ab.actors.list()}
        with pytest.raises(NotFound):
            AbacoExecutor.attach("popular", ab)
        with AbacoExecutor(ab, name="popular") as executor:
            assert executor.actor_id != trap.id
            assert executor.submit(square, 3).result(_SECONDS) == 9
        ab.actors.delete(executor.actor_id)
        other.actors.delete(trap.id)


def test_executors_with_names_are_found_again(ab: Abaco) -> None:
    first = AbacoExecutor(ab, name="named", num_workers=1)
    assert first.submit(square, 3).result(_SECONDS) == 9
    first.shutdown()
    with pytest.raises(Conflict, match="has the image abacosamples/py3_func"):
        AbacoExecutor(ab, name="named", image="abacosamples/wc")
    with AbacoExecutor(ab, name="named") as second:
        assert second.actor_id == first.actor_id
        assert list(second.map(square, range(3))) == [0, 1, 4]
    ab.actors.delete(second.actor_id)


def test_what_was_sent_is_there_for_who_comes_next(ab: Abaco, server: LiveServer) -> None:
    """The client is killed in the middle of a map."""
    program = dedent("""
        import time
        from abaco import AbacoExecutor
        def double(x):
            time.sleep(0.02)
            return 2 * x
        ex = AbacoExecutor(name="killed", num_workers=2)
        ex.submit(divmod, 7, 2)
        for result in ex.map(double, range(100), chunksize=5):
            print(result, flush=True)
    """)
    environment = {**os.environ, "ABACO_SERVER": server.url, "ABACO_TOKEN": server.token}
    with subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == b"0\n"
        client.kill()
    for _ in range(2):  # reading takes nothing away
        with AbacoExecutor.attach("killed", ab) as executor:
            assert list(executor.results(_SECONDS)) == [(3, 1), *range(0, 200, 2)]
            assert executor.submit(square, 5).result(_SECONDS) == 25
            executor_id = executor.actor_id
        assert len(ab.actor(executor_id).executions()[-1].results()) == 1  # now it is taken
    ab.actors.delete(executor_id)
    with pytest.raises(NotFound, match="killed"):
        AbacoExecutor.attach("killed", ab)


def test_failures_are_there_for_who_comes_next(ab: Abaco) -> None:
    with AbacoExecutor(ab, name="failing", num_workers=1) as executor:
        executor.submit(reciprocal, 0)
        executor.submit(os._exit, 3)
        executor.map(reciprocal, [0, 1], chunksize=2)
    with AbacoExecutor.attach("failing", ab) as executor:
        first, second, *others = executor.results(_SECONDS, return_exceptions=True)
        assert isinstance(first, ZeroDivisionError)
        assert isinstance(second, ExecutionFailed)
        assert isinstance(others[0], ZeroDivisionError)
        assert others[1:] == [1]
        with pytest.raises(ZeroDivisionError):
            next(executor.results())
    ab.actors.delete(executor.actor_id)


def test_what_the_image_lacks_is_told_before_a_call_is_sent(executor: AbacoExecutor, ab: Abaco) -> None:
    def needs() -> None:
        import httpx  # noqa: F401

    with pytest.raises(InvalidInput, match=r"py3_func lacks httpx.*FROM abacosamples/py3_func.*pip install httpx"):
        executor.submit(needs)
    with pytest.raises(InvalidInput, match=r"lacks bench.*register_pickle_by_value\(bench\)"):
        executor.map(until, [1])
    wrong = AbacoExecutor(ab, image="abacosamples/wc", num_workers=1)
    with wrong, pytest.raises(InvalidInput, match="abacosamples/wc is no image for functions"):
        wrong.submit(square, 1)


def test_another_python_is_told_before_a_call_is_sent(ab: Abaco, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "_HERE", (3, 99))
    monkeypatch.setattr(images, "_KNOWN", {})
    executor = AbacoExecutor(ab, num_workers=1)
    with executor, pytest.raises(InvalidInput, match=r"this is Python 3\.99, and abacosamples/py3_func has 3\.\d+:"):
        executor.submit(square, 1)


def test_old_programs(ab: Abaco) -> None:
    executor = OldExecutor(ab, None, "abacosamples/py3_func")
    assert executor.blocking_call(square, 3) == [9]
    response = executor.submit(pow, 2, 5)
    assert response.result() == response.get() == list(response) == [32]
    assert (response[0], len(response), response.done(), response.running()) == (32, 1, True, False)
    assert response.execution_id
    assert [each.result() for each in executor.map(pow, [[2, 3], [3, 2]])] == [[8], [9]]
    assert executor.map(sorted, [[[2, 1]]], [{"reverse": True}])[0].result() == [[2, 1]]
    again = OldExecutor(ab, actor_id=executor.actor_id)
    assert again.blocking_call(square, 4) == [16]
    again.delete()
    executor.delete()
    assert executor.actor_id not in {actor.id for actor in ab.actors.list()}


def test_numpy_as_in_the_guide_of_old_programs(ab: Abaco, sci_image: str) -> None:
    ex = OldExecutor(ab, image=sci_image)

    def g(std_dev: float, size: int) -> Any:
        A = np.random.normal(0, std_dev, (size, size))  # noqa: N806, NPY002
        B = np.random.normal(0, std_dev, (size, size))  # noqa: N806, NPY002
        C = np.dot(A, B)  # noqa: N806
        return C[0]

    (row,) = ex.submit(g, 100, 4096).result(timeout=_SECONDS)
    assert row.shape == (4096,)
    assert row.std() == pytest.approx(100 * 100 * 64, rel=0.2)
    responses = ex.map(g, [[100, 1024] for i in range(8)])
    assert [response.result(_SECONDS)[0].shape for response in responses] == [(1024,)] * 8
    ex.delete()


def test_no_executor_for_less_than_one_worker_or_what_is_no_image(ab: Abaco) -> None:
    with pytest.raises(InvalidInput, match="num_workers"):
        AbacoExecutor(ab, num_workers=0)
    with pytest.raises(Conflict, match="is in ERROR"):
        AbacoExecutor(ab, image="localhost:1/nothing")


def test_a_program_ends_when_what_it_submitted_is_done(ab: Abaco, server: LiveServer) -> None:
    program = dedent("""
        import time
        from abaco import AbacoExecutor
        AbacoExecutor(num_workers=1).submit(time.sleep, 0.2).add_done_callback(lambda _: print("done"))
    """)
    environment = {**os.environ, "ABACO_SERVER": server.url, "ABACO_TOKEN": server.token}
    before = {actor.id for actor in ab.actors.list()}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "done\n"
    assert {actor.id for actor in ab.actors.list()} == before


def test_a_program_ends_though_it_closed_its_client_first(ab: Abaco, server: LiveServer) -> None:
    program = dedent("""
        from abaco import Abaco, AbacoExecutor
        with Abaco() as ab:
            executor = AbacoExecutor(ab)
            print(executor.submit(pow, 2, 3).result())
            print(executor.actor_id)
    """)
    environment = {**os.environ, "ABACO_SERVER": server.url, "ABACO_TOKEN": server.token}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=_SECONDS)
    result, actor_id = done.stdout.split()
    assert (result, done.stderr) == ("8", "")
    ab.actors.delete(actor_id)
