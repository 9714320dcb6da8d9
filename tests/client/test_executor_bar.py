"""The bar that a map shows where somebody sees it: as soon as it takes long, whether there are results or not."""

import os
import select
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from abaco.client.executor import mapping
from abaco.client.executor.mapping import Mapped
from abaco.client.executor.tasks import AbacoFuture, Outcome

_WAIT = 30


class Terminal:
    """What is written to stderr."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._text = ""

    def shows(self, text: str) -> None:
        """Wait for the text."""
        while text not in self._text:
            assert select.select([self._descriptor], [], [], _WAIT)[0], self._text
            self._text += os.read(self._descriptor, 4096).decode()


@contextmanager
def terminal() -> Iterator[Terminal]:
    """For stderr; no fixture, since pytest puts its own one back before the test."""
    ours, theirs = os.openpty()
    with pytest.MonkeyPatch.context() as patch, os.fdopen(theirs, "w") as stderr:
        patch.setenv("TERM", "xterm")
        patch.setenv("COLUMNS", "80")
        patch.setattr(sys, "stderr", stderr)
        yield Terminal(ours)
    os.close(ours)


def _mapping(number: int) -> tuple[list[AbacoFuture], Mapped]:
    futures = [AbacoFuture() for _ in range(number)]
    return futures, Mapped(iter(futures), None, None)


def test_a_long_map_shows_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapping, "_BAR_SECONDS", 0.01)
    futures, mapped = _mapping(3)
    found: list[int] = []
    with terminal() as shown:
        reader = threading.Thread(target=lambda: found.extend(mapped.results(3, None)), daemon=True)
        reader.start()
        shown.shows("0/3")
        for number, future in enumerate(futures[:2]):
            future.set_result([Outcome(number)])
        shown.shows("2/3")
        futures[2].set_result([Outcome(2)])
        reader.join(_WAIT)
    assert found == [0, 1, 2]


@pytest.mark.parametrize(("progress", "seconds"), [(None, 60.0), (False, 0.0)])
def test_a_short_map_shows_none_and_nor_does_one_that_is_not_to(
    progress: bool | None, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mapping, "_BAR_SECONDS", seconds)
    monkeypatch.setattr(mapping._Bar, "_open", lambda _: pytest.fail("a bar is shown"))
    futures, mapped = _mapping(2)
    for future in futures:
        future.set_result([Outcome(None)])
    with terminal():
        assert list(mapped.results(2, progress)) == [None, None]


def test_a_map_that_takes_too_long_says_so_with_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapping, "_BAR_SECONDS", 0.01)
    [future] = futures = [AbacoFuture()]
    with terminal() as shown:
        with pytest.raises(TimeoutError):
            list(Mapped(iter(futures), 0.05, None).results(1, True))
        shown.shows("0/1")
    assert future.cancelled()
