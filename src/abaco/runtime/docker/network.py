"""The networks of containers that the engine runs: out to the world and to the API, or to the API only.

Each server has a bridge of its own, on which containers do not see each other. The API, where it listens on loopback,
is found at the bridge's address; so that is what the container is told.
"""

import os
import shutil
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from aiodocker import Docker

from abaco.runtime.docker.engine import DockerEngine, EngineError
from abaco.runtime.firewall import Firewall
from abaco.runtime.forwarder import Forwarder, Serving
from abaco.runtime.unavailable import RuntimeUnavailable

__all__ = ["HOST_NETWORK", "Bridge", "ContainerNetwork", "is_loopback"]

_API_VARIABLE: Final = "_abaco_api_server"
_OPTIONS: Final = "com.docker.network.bridge"
_CONFLICT: Final = 409
_LOCAL: Final = "localhost"


@dataclass(frozen=True, slots=True)
class ContainerNetwork:
    """What the engine is told of the network; `hosts` are ``name:address``. `gateway` is where this machine is, which
    `firewall` keeps from containers.
    """

    name: str
    gateway: str | None = None
    hosts: Sequence[str] = ()
    firewall: Firewall | None = None

    def translated(self, variables: Mapping[str, str]) -> Mapping[str, str]:
        """`variables`, with an address of the API that holds in the container."""
        url = urlsplit(variables.get(_API_VARIABLE, ""))
        if self.gateway is None or not is_loopback(url.hostname or ""):
            return variables
        port = "" if url.port is None else f":{url.port}"
        return {**variables, _API_VARIABLE: url._replace(netloc=f"{self.gateway}{port}").geturl()}


HOST_NETWORK: Final = ContainerNetwork("host")


class Bridge:
    """The bridge of the server `instance`, made unless it is there; an `internal` one does not lead out.

    Raises RuntimeUnavailable if the engine or the firewall refuses.
    """

    def __init__(self, engine: DockerEngine, instance: str, *, internal: bool) -> None:
        self._instance = instance
        self._firewall: Firewall | None = None
        self._name = f"abaco-{instance}-{'none' if internal else 'private'}"
        # crun's firewall rules are for everything that is called abaco...
        self._interface = f"{'in' if internal else 'br'}-abaco-{instance[:6]}"
        try:
            self._gateway = _gateway(self._made(engine, internal=internal))
        except (EngineError, LookupError) as error:
            raise RuntimeUnavailable(
                f"The Docker engine cannot give containers a network of their own ({error}): set network to host."
            ) from error

    def network(self, api_name: str) -> ContainerNetwork:
        """`api_name`: under which users know the API, if this machine takes it for a loopback address."""
        hosts = () if not api_name or is_loopback(api_name) else (f"{api_name}:{self._gateway}",)
        return ContainerNetwork(self._name, self._gateway, hosts, self._firewall)

    def forward(self, forwarder: Forwarder, address: tuple[str, int]) -> Serving:
        """Have the API, which is at `address`, at this machine's end of the bridge. Raises RuntimeUnavailable."""
        port = address[1]
        try:
            return forwarder.accept(socket.create_server((self._gateway, port)), address, shared=True)
        except OSError as error:
            raise RuntimeUnavailable(
                f"Containers could not reach the API: this machine has no {self._gateway}:{port} ({error.strerror}). "
                "The Docker engine must be one of this machine; or set network to host."
            ) from error

    def protect(self, blocked: Sequence[str], api_port: int | None) -> None:
        """Have the machine's firewall keep containers from the machine itself, but for the API, and from `blocked`.

        Only root may, and an engine that is not root's makes no bridges here. Raises RuntimeUnavailable.
        """
        if os.geteuid() != 0 or shutil.which("iptables") is None:
            return
        # The one chain that Docker leaves to others, in front of its own rules.
        rules = [("filter", ["DOCKER-USER", "-i", self._interface, "-d", network, "-j", "DROP"]) for network in blocked]
        self._firewall = Firewall(self._instance, self._interface, api_port, rules)

    def _made(self, engine: DockerEngine, *, internal: bool) -> dict[str, Any]:
        wanted = {
            "Name": self._name,
            "Driver": "bridge",
            "CheckDuplicate": True,
            "Internal": internal,
            "Options": {f"{_OPTIONS}.enable_icc": "false", f"{_OPTIONS}.name": self._interface},
        }
        try:
            engine.call(lambda client: client.networks.create(wanted))
        except EngineError as error:
            if error.status != _CONFLICT:
                raise
        return engine.call(lambda client: _shown(client, self._name))


def is_loopback(host: str) -> bool:
    """Whether every machine takes `host` for itself."""
    try:
        return host == _LOCAL or ip_address(host).is_loopback
    except ValueError:
        return False


async def _shown(client: Docker, name: str) -> dict[str, Any]:
    return await (await client.networks.get(name)).show()


def _gateway(network: Mapping[str, Any]) -> str:
    return str(network["IPAM"]["Config"][0]["Gateway"])
