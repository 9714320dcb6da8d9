"""Where a server finds its API for containers, if its name or its address is not there from the start."""

import socket
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from abaco.bootstrap import machine
from abaco.bootstrap.machine import Api
from abaco.settings import Settings


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What names stand for; others are not known."""
    known: dict[str, str] = {}

    def look_up(host: str, port: int, *_: object) -> list[Any]:
        if host not in known:
            raise socket.gaierror(socket.EAI_AGAIN, "not now")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (known[host], port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


def _api(url: str) -> Api:
    return Api(Settings(data=Path("unused"), api_server=url))


def test_a_name_is_looked_up_until_it_is_known(names: dict[str, str]) -> None:
    api = _api("https://abaco.test")
    assert (api.find(), api.find_on_loopback(), api.outer_port()) == (None, None, 443)
    names["abaco.test"] = "198.51.100.1"
    assert (api.find(), api.find_on_loopback(), api.outer_port()) == (("198.51.100.1", 443), None, 443)
    names.clear()
    assert api.find() == ("198.51.100.1", 443)


def test_an_address_is_the_machines_once_it_has_it(names: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    own: list[IPv4Network] = []
    monkeypatch.setattr(machine, "own_networks", lambda: own)
    names["abaco.test"] = "198.51.100.1"
    api = _api("http://abaco.test:8000")
    assert api.find_on_machine() is None
    own.append(IPv4Network("198.51.100.0/24"))
    assert api.find_on_machine() == ("198.51.100.1", 8000)


def test_on_the_loopback_no_port_of_the_machine_is_open(names: dict[str, str]) -> None:
    names["abaco.test"] = "127.0.0.1"
    api = _api("http://abaco.test:8000")
    assert api.find_on_loopback() == api.find_on_machine() == ("127.0.0.1", 8000)
    assert api.outer_port() is None


def test_where_there_is_ipv6_only_no_port_of_the_machine_is_open(names: dict[str, str]) -> None:
    names.clear()
    api = _api("http://[2001:db8::1]:8000")
    assert (api.find_on_machine(), api.outer_port()) == (None, None)
