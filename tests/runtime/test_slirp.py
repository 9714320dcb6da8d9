"""The network of containers without root, where something fails: nothing stays, and nobody else is left open."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from bench.live import until

from abaco.bootstrap.machine import Api
from abaco.runtime import slirp
from abaco.runtime.forwarder import Forwarder
from abaco.runtime.kernel import in_network
from abaco.runtime.namespaces import Namespaces, descriptor_path
from abaco.runtime.network import Network
from abaco.runtime.slirp import Slirp, own_networks
from abaco.runtime.unavailable import RuntimeUnavailable
from abaco.settings import Settings

_LATE = "198.18.88.1"


@pytest.fixture
def namespaces() -> Iterator[Namespaces]:
    made = Namespaces(0)
    yield made
    made.close()


def _processes() -> list[str]:
    command = ["pgrep", "-P", str(os.getpid()), "slirp4netns"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()


def _descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def _fail(*_: object) -> None:
    raise OSError(24, "Too many open files")


def test_a_worker_that_cannot_have_the_api_leaves_no_link(
    namespaces: Namespaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = Slirp([])
    network = Network(world, lambda: ("127.0.0.1", 1))
    monkeypatch.setattr(Forwarder, "serve", _fail)
    with pytest.raises(OSError, match="Too many"):
        network.connect("worker1", namespaces)
    network.close()
    assert _processes() == []
    assert world._networks == set()


@pytest.mark.parametrize("step", ["_open_table", "ip"])
def test_a_link_that_cannot_be_made_leaves_no_process(
    namespaces: Namespaces, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    world = Slirp([])
    monkeypatch.setattr(slirp, step, _fail)
    before = _descriptors()
    with pytest.raises(OSError, match="Too many"):
        world.connect("worker1", namespaces.network)
    assert _processes() == []
    assert world._networks == set()
    assert _descriptors() == before


def test_a_process_that_ended_is_replaced_for_the_next_container(namespaces: Namespaces) -> None:
    link = Slirp([]).connect("worker1", namespaces.network)
    try:
        _is_reached(namespaces.network, ("10.0.2.2", 9))  # it is asked who has that address, and answers
        before = link.received_bytes()
        assert before > 0
        os.kill(link._process.pid, signal.SIGKILL)
        until(lambda: "dev tap0" not in _routes(namespaces.network))
        until(lambda: link.received_bytes() >= before and "default via 10.0.2.2" in _routes(namespaces.network))
        assert len(_processes()) == 1
        _is_reached(namespaces.network, ("10.0.2.2", 9))
        assert link.received_bytes() > before
    finally:
        link.close()
    assert _processes() == []


@contextmanager
def _added(*what: str) -> Iterator[None]:
    """Something of the machine's that the program ip adds, on its loopback, for a while."""
    subprocess.run(["ip", what[0], "add", *what[1:], "dev", "lo"], check=True)
    try:
        yield
    finally:
        subprocess.run(["ip", what[0], "del", *what[1:], "dev", "lo"], check=True)


def _routes(network: int) -> str:
    command = ["nsenter", f"--net={descriptor_path(network)}", "ip", "route"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_a_network_that_is_gone_keeps_no_other_open_to_new_addresses() -> None:
    world = Slirp([])
    several = [Namespaces(0) for _ in range(3)]
    links = [world.connect("worker1", one.network) for one in several]
    lost = [os.dup(one.network) for one in (several[0], several[2])]
    for one in (several[0], several[2]):
        os.close(one.network)
    try:
        with _added("address", _LATE):
            until(lambda: f"unreachable {_LATE}" in _routes(several[1].network))
    finally:
        for one, kept in zip((several[0], several[2]), lost, strict=True):
            os.dup2(kept, one.network)
            os.close(kept)
        for link, one in zip(links, several, strict=True):
            link.close()
            one.close()


@pytest.mark.parametrize(
    ("added", "shown"),
    [(("address", "198.18.89.1/24"), "198.18.89.0/24"), (("route", "local", "198.18.90.0/24"), "198.18.90.0/24")],
)
def test_what_the_machine_takes_for_itself_without_an_address_of_that_name_is_not_reached(
    namespaces: Namespaces, added: tuple[str, ...], shown: str
) -> None:
    world = Slirp([])
    link = world.connect("worker1", namespaces.network)
    try:
        with _added(*added):
            until(lambda: f"unreachable {shown}" in _routes(namespaces.network))
            with closing(Namespaces(0)) as later:
                world.connect("worker2", later.network).close()
                assert f"unreachable {shown}" in _routes(later.network)
    finally:
        link.close()


def _is_reached(network: int, place: tuple[str, int]) -> bool:
    def reach() -> bool:
        with suppress(OSError):
            socket.create_connection(place, timeout=5).close()
            return True
        return False

    return in_network(network, reach)


def test_the_api_is_reached_also_if_its_address_came_after_the_server(namespaces: Namespaces) -> None:
    with socket.create_server(("0.0.0.0", 0)) as server, socket.create_server(("0.0.0.0", 0)) as other:
        place = (_LATE, server.getsockname()[1])
        api = Api(Settings(data=Path("unused"), api_server=f"http://{place[0]}:{place[1]}"))
        network = Network(Slirp([]), api.find_on_machine)
        with closing(network), _added("address", _LATE):
            connection = network.connect("worker1", namespaces)
            try:
                assert _is_reached(namespaces.network, place)
                assert not _is_reached(namespaces.network, (_LATE, other.getsockname()[1]))
            finally:
                connection.close()


@pytest.mark.parametrize("said", ["nonsense", "1", "[1]", "[{}]", '[{"dst": 1.5}]', '[{"dst": "x"}]'])
def test_what_ip_says_and_nobody_understands_is_told(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setattr(slirp, "call", lambda _: said)
    with pytest.raises(RuntimeUnavailable, match="cannot be understood"):
        own_networks()
