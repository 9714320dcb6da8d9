"""How many connections to the API the forwarder passes on: no container can use up the engine's descriptors."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from abaco.runtime.forwarder import Forwarder

_MOST = 64
_EACH = 40


@pytest.fixture
def api() -> Iterator[tuple[str, int]]:
    """Where everybody is greeted."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as api, ExitStack() as held:

        def greet() -> None:
            while True:
                try:
                    held.enter_context(api.accept()[0]).sendall(b"x")
                except OSError:
                    return

        greeting = threading.Thread(target=greet)
        greeting.start()
        yield api.getsockname()
        api.shutdown(socket.SHUT_RDWR)
        greeting.join()


@pytest.mark.parametrize(("shared", "greeted"), [(False, _MOST), (True, 2 * _EACH)])
def test_a_container_has_so_many_connections_whatever_addresses_it_takes(
    api: tuple[str, int], shared: bool, greeted: int
) -> None:
    forwarder = Forwarder()
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    place = listener.getsockname()
    serving = forwarder.accept(listener, api, shared=shared)
    with ExitStack() as held:
        heard = []
        for source in ("127.0.88.1", "127.0.88.2"):
            for _ in range(_EACH):
                one = held.enter_context(socket.create_connection(place, timeout=20, source_address=(source, 0)))
                heard.append(one.recv(1))
        serving.close()
    forwarder.close()
    assert heard == [b"x"] * greeted + [b""] * (2 * _EACH - greeted)
