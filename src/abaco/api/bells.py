"""Who wants to be told when something was stored, instead of asking the database over and over."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import anyio

from abaco.ports import Listener
from abaco.wake import Wake

__all__ = ["Bell", "Bells"]


class Bell:
    """Rings when one of its topics is spoken of; also while nobody waits for it yet."""

    def __init__(self, bells: "Bells") -> None:
        self._wake = Wake()
        self._bells = bells

    @property
    def is_closing(self) -> bool:
        """Whether the server stops, and nobody should go on waiting."""
        return self._bells.is_closing

    def ring(self) -> None:
        self._wake.set()

    async def wait(self, seconds: float) -> bool:
        """Whether it rang since the last wait, or does within `seconds`."""
        return await self._wake.wait(seconds)

    def rang(self) -> bool:
        """Whether it rang since this, or the last wait, was asked for."""
        return self._wake.take()


class Bells:
    """All bells of the API; used in the event loop only."""

    def __init__(self) -> None:
        self._bells: dict[str, set[Bell]] = {}
        self.is_closing = False

    async def listen(self, listener: Listener) -> None:
        """Pass on the engine's words, for ever."""
        loop = asyncio.get_running_loop()
        # Once for all: to wait for it anew after each word would cost more than the word.
        loop.add_reader(listener.fileno(), lambda: self.hear(listener.receive()))
        try:
            await anyio.sleep_forever()
        finally:
            loop.remove_reader(listener.fileno())

    def hear(self, topics: set[str]) -> None:
        """Ring for these topics."""
        for topic in topics:
            for bell in self._bells.get(topic, ()):
                bell.ring()

    def close(self) -> None:
        """Ring them all: the server stops, and who can come again later is not to hold it up."""
        self.is_closing = True
        self.hear(set(self._bells))

    @contextmanager
    def bell(self, *topics: str) -> Iterator[Bell]:
        """A bell for these topics. Look after it is there: what is said meanwhile is not lost."""
        bell = Bell(self)
        for topic in topics:
            self._bells.setdefault(topic, set()).add(bell)
        try:
            yield bell
        finally:
            for topic in topics:
                self._bells[topic].discard(bell)
                if not self._bells[topic]:
                    del self._bells[topic]
