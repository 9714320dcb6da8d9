import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from abaco.cli.main import run
from abaco.client import Abaco

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


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Call it with the bytes to be read; `tty` makes it a terminal."""

    def put(content: bytes, *, tty: bool = False) -> None:
        stream = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8")
        monkeypatch.setattr(stream, "isatty", lambda: tty, raising=False)
        monkeypatch.setattr("sys.stdin", stream)

    return put
