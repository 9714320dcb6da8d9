"""One real server for all end-to-end tests, with every sample image."""

from collections.abc import Iterator

import pytest
from bench.live import LiveServer, live_server

from abaco.client import Abaco


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    samples = ("test", "wc", "sleep_loop", "py3_func", "sum_reducer", "warm_echo")
    with live_server(tmp_path_factory.mktemp("server") / "data", *samples, stop_grace_seconds="1") as running:
        yield running


@pytest.fixture
def ab(server: LiveServer) -> Iterator[Abaco]:
    with server.client() as client:
        yield client
