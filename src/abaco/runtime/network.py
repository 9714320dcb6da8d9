"""The network of containers: out to the world and to the API, never to this machine, its neighbours or its metadata.

Each worker's network namespace has an address of its own and one cable (a veth pair) to the machine, which passes on
what goes out and comes back (NAT) and takes nothing for itself. What containers must not reach they have no route to,
and the machine's firewall drops it besides.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Final, Protocol

from abaco.runtime.firewall import Firewall, Rule
from abaco.runtime.forwarder import Forwarder, Serving
from abaco.runtime.ip import ip
from abaco.runtime.kernel import KernelFile
from abaco.runtime.namespaces import Namespaces, descriptor_path
from abaco.runtime.unavailable import RuntimeUnavailable

__all__ = ["Cable", "Connection", "Link", "Network", "NetworkRules", "Uplink", "World"]

_PREFIX: Final = "abaco"
_TRIES: Final = 20


@dataclass(frozen=True, slots=True)
class NetworkRules:
    """Of the server `instance`. `subnet`: where containers get their addresses; its first is the machine's end of every
    cable.

    `blocked`: what they must not reach. `api_port`: a port of this machine that they may, where the API listens to
    the outside.
    """

    instance: str
    subnet: IPv4Network
    blocked: Sequence[IPv4Network]
    api_port: int | None = None


class Uplink:
    """Forwarding, NAT and firewall of this machine. Raises RuntimeUnavailable if they cannot be set up."""

    def __init__(self, rules: NetworkRules) -> None:
        self.rules = rules
        self.gateway = rules.subnet[1]
        self._addresses = range(2, rules.subnet.num_addresses - 1)
        try:
            Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
            self._firewall = Firewall(rules.instance, f"{_PREFIX}+", rules.api_port, list(self._passing()))
        except OSError as error:
            raise RuntimeUnavailable(
                f"Abaco cannot give containers a network of their own ({error.strerror or error}): "
                "it takes root and iptables (apt-get install iptables iproute2); or set network to none or host.",
            ) from error

    def connect(self, name: str, network: int) -> "Cable":
        """Lay the cable `name` into the network namespace; its end there gets an address. Raises RuntimeUnavailable."""
        self._firewall.ensure()
        place = descriptor_path(network)
        for _ in range(_TRIES):
            address = self.rules.subnet[random.choice(self._addresses)]  # noqa: S311 - any that is free will do
            try:
                ip(self._cable(name, place, address))
                break
            except RuntimeUnavailable as error:
                # Another worker, perhaps of another server, has that address: the kernel knows.
                if "File exists" not in str(error):
                    raise
                ip([f"link del {name}"])
        else:
            raise RuntimeUnavailable(
                f"No address is free in {self.rules.subnet}: set container_subnet to a larger one."
            )
        cable = Cable(name)
        with ExitStack() as undo:
            undo.callback(cable.close)
            ip(self._far_end(address), network)
            undo.pop_all()
        return cable

    def _cable(self, name: str, place: str, address: IPv4Address) -> Iterable[str]:
        yield f"link add {name} type veth peer name eth0 netns {place}"
        yield f"link set {name} addrgenmode none up"
        yield f"addr add {self.gateway}/32 dev {name}"
        yield f"route add {address}/32 dev {name}"

    def _far_end(self, address: IPv4Address) -> Iterable[str]:
        yield "link set lo up"
        yield "link set eth0 addrgenmode none up"
        yield f"addr add {address}/32 dev eth0"
        yield f"route add default via {self.gateway} dev eth0 onlink"
        for network in (*self.rules.blocked, self.rules.subnet):
            yield f"route add unreachable {network}"

    def _passing(self) -> Iterator[Rule]:
        """What passes through this machine; the last ones stand first."""
        cable, subnet = f"{_PREFIX}+", str(self.rules.subnet)
        yield "nat", ["POSTROUTING", "-s", subnet, "!", "-o", cable, "-j", "MASQUERADE"]
        yield "filter", ["FORWARD", "-o", cable, "-j", "DROP"]
        answers = ["-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED"]
        yield "filter", ["FORWARD", "-o", cable, *answers, "-j", "ACCEPT"]
        yield "filter", ["FORWARD", "-i", cable, "-j", "ACCEPT"]
        for blocked in (subnet, *map(str, self.rules.blocked)):
            yield "filter", ["FORWARD", "-i", cable, "-d", blocked, "-j", "DROP"]


class Cable:
    """One worker's. It would go with its namespace, but only after a while."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._sent = KernelFile(Path(f"/sys/class/net/{name}/statistics/tx_bytes"))

    def received_bytes(self) -> int:
        """What has come in over it since it was laid: what this end has sent."""
        return int(self._sent.read())

    def close(self) -> None:
        self._sent.close()
        with suppress(RuntimeUnavailable):
            ip([f"link del {self._name}"])


class Link(Protocol):
    """What connects one network namespace with the world."""

    def received_bytes(self) -> int: ...

    def close(self) -> None: ...


class World(Protocol):
    """What makes links. `connect` raises RuntimeUnavailable or OSError."""

    def connect(self, name: str, network: int) -> Link: ...


class Network:
    """What the containers of one server are connected to. `world` is what is outside.

    `api` says where this machine has the API, if containers do not reach it as others do but by a forwarder, or raises
    RuntimeUnavailable. It is asked for each worker: names and addresses may come after the server was started.
    """

    def __init__(self, world: World | None, api: Callable[[], tuple[str, int] | None]) -> None:
        self._world = world
        self._api = api
        self._forwarder = Forwarder()

    def connect(self, worker_id: str, namespaces: Namespaces) -> "Connection":
        """Raises RuntimeUnavailable or OSError."""
        link = serving = None
        api = self._api()
        with ExitStack() as undo:
            if self._world is None:
                ip(["link set lo up"], namespaces.network)
            else:
                link = self._world.connect(f"{_PREFIX}{worker_id[-8:].lower()}", namespaces.network)
                undo.callback(link.close)
            if api is not None:
                if not IPv4Address(api[0]).is_loopback:
                    ip([f"addr add {api[0]}/32 dev lo"], namespaces.network)  # which comes before all routes
                serving = self._forwarder.serve(namespaces.network, api)
            undo.pop_all()
        return Connection(link, serving)

    def close(self) -> None:
        self._forwarder.close()


class Connection:
    """One worker's."""

    def __init__(self, link: Link | None, serving: Serving | None) -> None:
        self._link = link
        self._serving = serving

    def received_bytes(self) -> int:
        """What has come in from the world so far."""
        return 0 if self._link is None else self._link.received_bytes()

    def close(self) -> None:
        if self._serving is not None:
            self._serving.close()
        if self._link is not None:
            self._link.close()
