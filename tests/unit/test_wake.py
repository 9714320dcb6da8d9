"""Waiting for a word in the event loop, and not for ever."""

import asyncio
from collections.abc import Awaitable

import anyio

from abaco.wake import Wake

LONG = 60.0


def run(main: Awaitable[None]) -> None:
    async def bounded() -> None:
        with anyio.fail_after(30):
            await main

    anyio.run(bounded)


def test_a_word_is_heard_while_it_is_waited_for() -> None:
    async def main() -> None:
        wake = Wake()
        waiting = asyncio.create_task(wake.wait(LONG))
        await asyncio.sleep(0)
        assert not waiting.done()
        wake.set()
        assert await waiting
        assert not await wake.wait(0.0)

    run(main())


def test_a_word_that_was_said_before_is_heard_once() -> None:
    async def main() -> None:
        wake = Wake()
        wake.set()
        wake.set()
        assert await wake.wait(LONG)
        assert not wake.take()
        wake.set()
        assert wake.take()
        assert not await wake.wait(0.0)

    run(main())


def test_a_wait_has_an_end() -> None:
    async def main() -> None:
        wake = Wake()
        assert not await wake.wait(0.001)
        assert not await wake.wait(-1.0)

    run(main())


def test_others_get_a_turn_even_if_the_word_is_there() -> None:
    """Who is always called again would keep the loop to himself."""

    async def main() -> None:
        wake = Wake()
        asyncio.get_running_loop().call_soon(turns.append, "other")
        wake.set()
        await wake.wait(LONG)
        turns.append("mine")

    turns: list[str] = []
    run(main())
    assert turns == ["other", "mine"]


def test_a_wait_that_is_broken_off_loses_no_word() -> None:
    async def main() -> None:
        wake = Wake()
        waiting = asyncio.create_task(wake.wait(LONG))
        await asyncio.sleep(0)
        wake.set()
        waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled()
        assert await wake.wait(LONG)

    run(main())
