"""One real server for all end-to-end tests, with the sample images that most of them use."""

from collections.abc import Iterator

import pytest
from bench.live import SAMPLES, LiveServer, live_server

from abaco import AbacoExecutor
from abaco.client import Abaco


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    samples = ("test", "wc", "sleep_loop", "py3_func", "sum_reducer", "warm_echo")
    with live_server(tmp_path_factory.mktemp("server") / "data", *samples, stop_grace_seconds="1") as running:
        yield running


@pytest.fixture(scope="session")
def sci_image(server: LiveServer) -> str:
    """The image with numpy, taken in when the first test asks for it: it is larger than the others."""
    name = "abacosamples/py3_sci_base_func"
    server.admin("image", "import", str(SAMPLES / "abacosamples_py3_sci_base_func.tar"), name)
    return name


@pytest.fixture(scope="module")
def executor(server: LiveServer) -> Iterator[AbacoExecutor]:
    with server.client() as ab, AbacoExecutor(ab, num_workers=2) as executor:
        yield executor


@pytest.fixture
def ab(server: LiveServer) -> Iterator[Abaco]:
    with server.client() as client:
        yield client
