"""Wires what runs containers by crun on this machine: settings in, a runtime out."""

import os
import socket
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network, ip_address
from pathlib import Path
from urllib.parse import urlsplit

from abaco.domain.actor import memory_bytes
from abaco.ports import Clock
from abaco.runtime.crun import CrunRuntime, require_crun
from abaco.runtime.forwarder import Forwarder
from abaco.runtime.isolation import Isolation
from abaco.runtime.kernel import enter_private_mounts
from abaco.runtime.network import Network, NetworkRules, Uplink
from abaco.runtime.rootless import become_root
from abaco.runtime.seccomp import compile_profile
from abaco.runtime.slirp import Slirp, own_networks
from abaco.settings import Settings

__all__ = ["api_address", "open_crun", "starts_without_root"]

_RESOLVED = Path("/run/systemd/resolve/resolv.conf")
"""Where systemd-resolved says whom it asks itself; ``/etc/resolv.conf`` then leads to its own loopback address."""
_PORTS = {"http": 80, "https": 443}


def starts_without_root() -> bool:
    """Whether this process is an ordinary user's; to be asked before `open_crun`, which makes it root of something."""
    return os.geteuid() != 0


def open_crun(settings: Settings, clock: Clock) -> CrunRuntime:
    """Must be called before any thread is started. Raises RuntimeUnavailable if this machine lacks what it takes.

    Without root what follows is done by another process, which returns from here in place of this one.
    """
    require_crun()
    rootless = starts_without_root()
    if rootless:
        become_root()
    else:
        enter_private_mounts()
    privileged_socket = settings.privileged_docker_socket
    address = api_address(settings)
    isolation = Isolation(
        seccomp=compile_profile(settings.seccomp_profile),
        network=_network(settings, address, rootless=rootless),
        first_user=settings.first_container_user if settings.user_namespaces and not rootless else None,
        disk=None if rootless else memory_bytes(settings.disk_limit),
        etc=_etc(settings, address),
        docker_socket=Path(privileged_socket) if privileged_socket else None,
        rootless=rootless,
    )
    return CrunRuntime(settings.data, clock, isolation)


def _network(settings: Settings, address: tuple[str, int] | None, *, rootless: bool) -> Network | None:
    if settings.network == "host":
        return None
    on_loopback = ip_address(address[0]).is_loopback if address else False
    blocked = [IPv4Network(one) for one in settings.blocked_networks]
    if rootless and settings.network != "none":
        # Of this machine's addresses none is reached as others are.
        on_machine = on_loopback or (address is not None and any(IPv4Address(address[0]) in o for o in own_networks()))
        own = IPv4Address(address[0]) if address and on_machine else None
        return Network(Slirp(blocked, own), Forwarder(address) if address and on_machine else None)
    forwarder = Forwarder(address) if address and on_loopback else None
    if settings.network == "none":
        return Network(None, forwarder)
    port = address[1] if address and not on_loopback else None
    return Network(Uplink(NetworkRules(IPv4Network(settings.container_subnet), blocked, port)), forwarder)


def api_address(settings: Settings) -> tuple[str, int] | None:
    """Where this machine finds the API under the URL that users know; None if it does not know the name."""
    url = urlsplit(settings.base_url)
    try:
        found = socket.getaddrinfo(url.hostname, url.port or _PORTS[url.scheme], socket.AF_INET, socket.SOCK_STREAM)
    except OSError:
        return None
    host, port = found[0][4][:2]
    return str(host), int(port)


def _etc(settings: Settings, address: tuple[str, int] | None) -> Mapping[str, str]:
    """Files for the containers' /etc: on the machine's own network as the machine has them."""
    if settings.network == "host":
        own = (Path("/etc/resolv.conf"), Path("/etc/hosts"))
        return {file.name: file.read_text() for file in own if file.exists()}
    return {"resolv.conf": _resolv_conf(), "hosts": _hosts(settings, address)}


def _resolv_conf() -> str:
    """The machine's, less the name servers on its loopback, which containers do not reach."""
    for file in (Path("/etc/resolv.conf"), _RESOLVED):
        lines = file.read_text().splitlines() if file.exists() else []
        kept = [line for line in lines if not (line.startswith("nameserver") and _is_loopback(line.split()[-1]))]
        if any(line.startswith("nameserver") for line in kept):
            return "".join(f"{line}\n" for line in kept)
    return ""


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _hosts(settings: Settings, address: tuple[str, int] | None) -> str:
    lines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost"]
    name = urlsplit(settings.base_url).hostname or ""
    if address and ip_address(address[0]).is_loopback and name not in {"localhost", address[0]}:
        lines.append(f"{address[0]} {name}")
    return "".join(f"{line}\n" for line in lines)
