"""Wires what runs containers by crun on this machine: settings in, a runtime out."""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network, ip_address
from pathlib import Path
from urllib.parse import urlsplit

from abaco.domain.actor import memory_bytes
from abaco.ports import Clock
from abaco.runtime.cgroup import instance_name
from abaco.runtime.crun import CrunRuntime, require_crun
from abaco.runtime.isolation import Isolation
from abaco.runtime.kernel import enter_private_mounts
from abaco.runtime.namespaces import UserRanges
from abaco.runtime.network import Network, NetworkRules, Uplink
from abaco.runtime.rootless import become_root
from abaco.runtime.seccomp import compile_profile
from abaco.runtime.slirp import Slirp, own_networks
from abaco.settings import Settings

__all__ = ["Api", "open_crun", "starts_without_root"]

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
    api = Api(settings)
    isolation = Isolation(
        seccomp=compile_profile(settings.seccomp_profile),
        network=_network(settings, api, rootless=rootless),
        users=_users(settings) if settings.user_namespaces and not rootless else None,
        disk=None if rootless else memory_bytes(settings.disk_limit),
        etc=_etc(settings),
        hosts=_hosts(settings, api.find()),
        docker_socket=Path(privileged_socket) if privileged_socket else None,
        rootless=rootless,
    )
    return CrunRuntime(settings.data, clock, isolation)


class Api:
    """Where this machine finds the API under the URL that users know."""

    def __init__(self, settings: Settings) -> None:
        url = urlsplit(settings.base_url)
        self._host = url.hostname or ""
        self.port = url.port or _PORTS[url.scheme]
        self._found: tuple[str, int] | None = None

    def find(self) -> tuple[str, int] | None:
        """Address and port; None as long as this machine does not know the name, or if it has IPv6 only."""
        if self._found is None:
            with suppress(OSError):
                found = socket.getaddrinfo(self._host, self.port, socket.AF_INET, socket.SOCK_STREAM)
                self._found = str(found[0][4][0]), self.port
        return self._found

    def find_on_loopback(self) -> tuple[str, int] | None:
        """The same, if that is on the loopback, where containers are by themselves."""
        found = self.find()
        return found if found and ip_address(found[0]).is_loopback else None

    def find_on_machine(self) -> tuple[str, int] | None:
        """The same, if that is one of this machine's addresses now. Raises RuntimeUnavailable."""
        found = self.find()
        on_machine = found and (self.find_on_loopback() or any(IPv4Address(found[0]) in one for one in own_networks()))
        return found if on_machine else None

    def outer_port(self) -> int | None:
        """Which of this machine's ports containers are to reach, as far as it is known; None for none."""
        return None if self.find_on_loopback() or ":" in self._host else self.port


def _network(settings: Settings, api: Api, *, rootless: bool) -> Network | None:
    blocked = [IPv4Network(one) for one in settings.blocked_networks]
    if settings.network == "host":
        return None
    if settings.network == "none":
        return Network(None, api.find_on_machine)
    if rootless:
        # Of this machine's addresses none is reached as others are.
        return Network(Slirp(blocked), api.find_on_machine)
    subnet = IPv4Network(settings.container_subnet)
    rules = NetworkRules(instance_name(settings.data), subnet, blocked, api.outer_port())
    return Network(Uplink(rules), api.find_on_loopback)


def _users(settings: Settings) -> UserRanges:
    rules = settings.mount_rules
    # What one execution has left in a directory of the machine the next one must find its own, whichever worker's.
    shared = bool(rules.all_tenants or any(rules.by_tenant.values()))
    return UserRanges(settings.first_container_user, shared=shared)


def _etc(settings: Settings) -> Mapping[str, str]:
    """Files for the containers' /etc: on the machine's own network as the machine has them."""
    if settings.network == "host":
        own = Path("/etc/resolv.conf")
        return {own.name: own.read_text()} if own.exists() else {}
    return {"resolv.conf": _resolv_conf()}


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
    """Of /etc/hosts what all containers have: on the machine's own network what the machine has."""
    if settings.network == "host":
        own = Path("/etc/hosts")
        return "".join(f"{line}\n" for line in own.read_text().splitlines()) if own.exists() else ""
    lines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost"]
    name = urlsplit(settings.base_url).hostname or ""
    if address and ip_address(address[0]).is_loopback and name not in {"localhost", address[0]}:
        lines.append(f"{address[0]} {name}")
    return "".join(f"{line}\n" for line in lines)
