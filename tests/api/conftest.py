import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from .world import Tokens, World, add_users, open_world

MakeWorld = Callable[..., World]


@pytest.fixture(scope="session")
def populated(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Tokens]:
    """A database with the users of every test, and their tokens."""
    path = tmp_path_factory.mktemp("api") / "populated.db"
    shutil.copy(sqlite_template, path)
    return path, add_users(f"sqlite:///{path}")


@pytest.fixture
def make_world(populated: tuple[Path, Tokens], tmp_path: Path) -> Iterator[MakeWorld]:
    """Builds the application; keyword arguments are settings."""
    template, tokens = populated
    with ExitStack() as stack:

        def make(**settings: Any) -> World:
            path = tmp_path / "abaco.db"
            shutil.copy(template, path)
            return stack.enter_context(open_world(f"sqlite:///{path}", tokens, tmp_path, **settings))

        yield make


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world()


@pytest.fixture(params=["sqlite", "postgresql"])
def either_world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """For what a database might choke on."""
    if request.param == "sqlite":
        yield request.getfixturevalue("world")
        return
    url: str = request.getfixturevalue("postgres_url")
    with open_world(url, add_users(url), tmp_path) as world:
        yield world
