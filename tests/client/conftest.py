import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from api.world import Tokens, add_users, open_world

from abaco.cli.main import run
from abaco.client import Abaco

from .bridge import Bridge
from .fake_server import TOKEN, URL, FakeClock, FakeServer


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ab(server: FakeServer, clock: FakeClock) -> Iterator[Abaco]:
    with Abaco(URL, TOKEN, transport=server.transport, clock=clock) as client:
        yield client


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own for every test, and nothing from the environment of whoever runs them."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "ABACO_SERVER", "ABACO_TOKEN", "AGAVE_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


RunAbaco = Callable[..., int]


@pytest.fixture
def abaco(server: FakeServer, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> RunAbaco:
    """Runs the command line in this process, logged in by the environment, and returns its exit code."""
    monkeypatch.setenv("ABACO_SERVER", URL)
    monkeypatch.setenv("ABACO_TOKEN", TOKEN)
    return lambda *arguments: run(arguments, transport=server.transport, clock=clock)


@pytest.fixture(scope="session")
def populated(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Tokens]:
    """A database with users, and their tokens."""
    path = tmp_path_factory.mktemp("client") / "populated.db"
    shutil.copy(sqlite_template, path)
    return path, add_users(f"sqlite:///{path}")


@pytest.fixture
def bridge(populated: tuple[Path, Tokens], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bridge]:
    """The real application, for `real_abaco`."""
    template, tokens = populated
    monkeypatch.setenv("ABACO_SERVER", "http://abaco.test")
    monkeypatch.setenv("ABACO_TOKEN", tokens["ada"])
    shutil.copy(template, tmp_path / "abaco.db")
    with open_world(f"sqlite:///{tmp_path}/abaco.db", tokens, tmp_path) as world:
        yield Bridge(world)


@pytest.fixture
def real_abaco(bridge: Bridge, clock: FakeClock) -> RunAbaco:
    """Runs the command line against the real application, as ada."""
    return lambda *arguments: run(arguments, transport=bridge, clock=clock)


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Call it with the bytes to be read; `tty` makes it a terminal."""

    def put(content: bytes, *, tty: bool = False) -> None:
        stream = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8")
        monkeypatch.setattr(stream, "isatty", lambda: tty, raising=False)
        monkeypatch.setattr("sys.stdin", stream)

    return put
