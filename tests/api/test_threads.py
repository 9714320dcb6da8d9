"""Calls that the event loop hands to threads."""

import asyncio
from threading import Barrier, Event, current_thread

import pytest

from abaco.api.threads import Threads


def test_a_call_gives_what_it_returns_or_raises() -> None:
    async def main() -> None:
        threads = Threads(1, "answer")
        assert await threads.call(divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            await threads.call(divmod, 7, 0)
        assert await threads.call(lambda: current_thread().name) == "answer"

    asyncio.run(main())


def test_as_many_run_at_once_as_there_are_threads() -> None:
    barrier = Barrier(3)

    async def main() -> list[int]:
        threads = Threads(3, "answer")
        return await asyncio.gather(*(threads.call(barrier.wait, 30) for _ in range(3)))

    assert sorted(asyncio.run(main())) == [0, 1, 2]


def test_a_call_that_nobody_waits_for_any_more_is_finished_and_the_next_is_served() -> None:
    begun, may_end = Event(), Event()
    done: list[str] = []

    def slow() -> None:
        begun.set()
        assert may_end.wait(30)
        done.append("slow")

    async def main() -> None:
        threads = Threads(1, "answer")
        given_up = threads.call(slow)
        await asyncio.to_thread(begun.wait, 30)
        given_up.cancel()
        may_end.set()
        assert await threads.call(done.copy) == ["slow"]

    asyncio.run(main())


@pytest.mark.parametrize(("error", "told"), [(SystemExit, SystemExit), (StopIteration, RuntimeError)])
def test_a_thread_outlives_whatever_is_raised_in_it(error: type[BaseException], told: type[BaseException]) -> None:
    def fail() -> None:
        raise error("over")

    async def main() -> None:
        threads = Threads(1, "answer")
        outcome = threads.call(fail)
        await asyncio.wait([outcome])
        assert type(outcome.exception()) is told
        assert await threads.call(lambda: "next") == "next"

    asyncio.run(main())


def test_threads_outlive_the_loop_they_worked_for() -> None:
    """Also one that was closed before they were done."""
    begun, may_end = Event(), Event()
    threads = Threads(1, "answer")

    def slow() -> None:
        begun.set()
        assert may_end.wait(30)

    async def leave() -> None:
        threads.call(slow)
        await asyncio.to_thread(begun.wait, 30)

    async def call() -> str:
        return await threads.call("word".upper)

    asyncio.run(leave())
    may_end.set()
    assert asyncio.run(call()) == "WORD"
