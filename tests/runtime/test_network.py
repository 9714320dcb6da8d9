"""What a hostile container reaches over the network: the world outside and the API, nothing else."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from runtime.lab import Lab
from runtime.world import API_HOST, Connect, beyond, fetch, machine_addresses, serving

from abaco.ports import FORWARDED_FROM, PreparedImage

SERVE = f"""
mkdir /www; echo secret > /www/f; httpd -p 8080 -h /www
until [ "$({fetch("127.0.0.1", 8080, "/f")})" = 7 ]; do :; done
ip -4 -o addr | tail -n 1 | cut -d' ' -f7; exec sleep 1000
"""
"""Says its address once it answers to itself."""


@pytest.fixture
def outside() -> Iterator[tuple[str, str]]:
    with beyond() as hosts:
        yield hosts


@pytest.mark.parametrize("network", ["private", "none"])
def test_the_api_on_loopback_is_reached_and_nothing_else_of_the_machine(
    connect: Connect, shell: PreparedImage, network: str
) -> None:
    with serving("127.0.0.1") as api, serving("127.0.0.1") as secret, serving("::") as open_to_all:
        variables = {"_abaco_api_server": f"http://127.0.0.1:{api.port}/x"}
        with connect(network, api.port) as there, Lab(there.runtime.sandbox("worker2", shell)) as lab:
            lab.run(f"{API_HOST}; {fetch('$host', api.port, '/api')}", variables)
            assert lab.seen.text.split() == ["80000"]
            assert api.heard == [FORWARDED_FROM]
            lab.seen.log = b""
            hosts = machine_addresses()
            assert {"127.0.0.1", there.gateway or "127.0.0.1"} <= set(hosts)
            tries = [fetch(host, other.port, seconds=1) for host in hosts for other in (secret, open_to_all)]
            lab.run(f"{' & '.join(f'({one})' for one in tries)} & wait")
            assert lab.seen.text.split() == ["0"] * len(tries)
        assert secret.heard == open_to_all.heard == []


def test_the_machines_own_network_is_the_machines(connect: Connect, shell: PreparedImage) -> None:
    with serving("127.0.0.1") as server, connect("host", server.port) as there:
        with Lab(there.runtime.sandbox("worker2", shell)) as lab:
            lab.run(fetch("127.0.0.1", server.port))
            assert lab.seen.text.split() == ["20000"]
        assert server.heard == ["127.0.0.1"]


@pytest.mark.parametrize("network", ["private", "none"])
def test_the_world_is_reached_if_it_may_be_and_metadata_never(
    connect: Connect, shell: PreparedImage, outside: tuple[str, str], network: str
) -> None:
    socket.create_connection((outside[1], 80), timeout=5).close()  # this machine does reach it
    expected = len(Path("/etc/hostname").read_text()) if network == "private" else 0
    with connect(network, 1) as there, Lab(there.runtime.sandbox("worker2", shell)) as lab:
        lab.run("; ".join(fetch(host, 80, "/hostname", seconds=2) for host in outside))
        assert lab.seen.text.split() == [str(expected), "0"]


@pytest.mark.crun("what Docker's containers receive is not counted")
def test_what_comes_in_from_the_world_is_counted(lab: Lab, outside: tuple[str, str]) -> None:
    assert lab.run(fetch(outside[0], 80, "/hostname")).io > 100


@pytest.mark.parametrize("network", ["private", "none"])
def test_neighbours_do_not_reach_each_other(connect: Connect, shell: PreparedImage, network: str) -> None:
    with (
        connect(network, 1) as there,
        Lab(there.runtime.sandbox("worker2", shell)) as lab,
        Lab(there.runtime.sandbox("worker3", shell)) as other,
    ):

        def ask_from_beside(log: bytes) -> None:
            if b"/" in log:
                lab.run(fetch(log.decode().split("/")[0], 8080, "/f", seconds=2))
                other.stop.set()

        other.seen.heard = ask_from_beside
        other.run(SERVE, max_run_seconds=30)
        assert lab.seen.text == "0\n"
