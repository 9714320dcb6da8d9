"""The stock Python clients, unmodified, against our server: each walk is a script as their users write it."""

from collections.abc import Callable

import pytest

Walk = Callable[[str, str], None]


@pytest.mark.parametrize(
    "script",
    [
        "agavepy_getting_started.py",
        "agavepy_sessions.py",
        "agavepy_messages.py",
        "agavepy_sharing.py",
        "agavepy_workers.py",
        "agavepy_search.py",
        "agavepy_executor.py",
    ],
)
def test_agavepy(walk: Walk, script: str) -> None:
    walk("agavepy", script)


@pytest.mark.parametrize("script", ["tapispy_walk.py"])
def test_tapispy(walk: Walk, script: str) -> None:
    walk("tapispy", script)


@pytest.mark.parametrize("script", ["tapipy_walk.py", "tapipy_listings.py"])
def test_tapipy(walk: Walk, script: str) -> None:
    walk("tapipy", script)
