"""What the machine's firewall lets containers reach of the machine, whatever else becomes of it."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from ipaddress import IPv4Network
from typing import TypeVar

import pytest

from abaco.runtime.firewall import Firewall
from abaco.runtime.ip import call, ip
from abaco.runtime.kernel import in_network
from abaco.runtime.namespaces import Namespaces, descriptor_path
from abaco.runtime.network import NetworkRules, Uplink

T = TypeVar("T")

_OWN = "198.18.0.1"
_SUBNET = IPv4Network("10.88.0.0/24")


class Place:
    """A network of its own: a machine, a container, or a neighbour."""

    def __init__(self) -> None:
        self._namespaces = Namespaces(0)
        self.network = self._namespaces.network
        ip(["link set lo up"], self.network)
        self.close = self._namespaces.close

    def run(self, work: Callable[[], T]) -> T:
        return in_network(self.network, work)

    def rules(self) -> list[str]:
        """What stands where, as it is seen there."""
        shown = self.run(lambda: call(["iptables-save"]))
        return [line.partition(" [")[0] for line in shown.splitlines() if not line.startswith("#")]

    def reaches(self, address: str, port: int) -> bool:
        def reach() -> bool:
            try:
                socket.create_connection((address, port), timeout=3).close()
            except OSError:
                return False
            return True

        return self.run(reach)


@pytest.fixture
def place() -> Iterator[Callable[[], Place]]:
    with ExitStack() as leave:
        yield lambda: leave.enter_context(closing(Place()))


@pytest.fixture
def machine(place: Callable[[], Place]) -> Place:
    return place()


def _firewall(machine: Place, instance: str, port: int | None) -> Firewall:
    return machine.run(lambda: Firewall(instance, "abaco+", port, []))


def _load_anew(machine: Place) -> None:
    for table in ("raw", "nat", "filter"):
        machine.run(lambda table=table: call(["iptables-restore"], f"*{table}\nCOMMIT\n"))  # type: ignore[misc]


def test_a_former_port_of_the_api_is_closed_and_other_servers_stay_open(machine: Place) -> None:
    for instance, port in (("one", 8001), ("two", 8002), ("one", 8003), ("two", 8002)):
        _firewall(machine, instance, port)
    rules = machine.rules()
    assert not [rule for rule in rules if "8001" in rule]
    for instance, port in (("one", 8003), ("two", 8002)):
        assert rules.count(f"-A abaco-{instance} -p tcp -m tcp --dport {port} -j ACCEPT") == 2
    assert [rule for rule in rules if rule.startswith(("-A PREROUTING", "-A INPUT"))] == [
        "-A PREROUTING -i abaco+ -j abaco-two",
        "-A PREROUTING -i abaco+ -j abaco-one",
        "-A PREROUTING -i abaco+ -m addrtype --dst-type LOCAL -j DROP",
        "-A INPUT -i abaco+ -j abaco-two",
        "-A INPUT -i abaco+ -j abaco-one",
        "-A INPUT -i abaco+ -j DROP",
    ]


def test_an_api_on_the_loopback_has_a_chain_only_if_it_had_a_port_before(machine: Place) -> None:
    _firewall(machine, "one", None)
    assert "abaco-one" not in " ".join(machine.rules())
    _firewall(machine, "one", 8001)
    _firewall(machine, "one", None)
    assert not [rule for rule in machine.rules() if "ACCEPT" in rule and rule.startswith("-A")]


def test_rules_that_were_lost_are_made_again(machine: Place) -> None:
    firewall = _firewall(machine, "one", 8001)
    made = machine.rules()
    machine.run(firewall.ensure)
    assert machine.rules() == made
    _load_anew(machine)
    assert "abaco" not in " ".join(machine.rules())
    machine.run(firewall.ensure)
    assert machine.rules() == made


def _listen(place: Place, address: str) -> socket.socket:
    return place.run(lambda: socket.create_server((address, 0)))


def test_no_port_of_the_machine_but_the_apis_is_reached_not_even_one_that_leads_elsewhere(
    place: Callable[[], Place], machine: Place
) -> None:
    first, second, neighbour = place(), place(), place()
    ip([f"link add beside type veth peer name eth0 netns {descriptor_path(neighbour.network)}"], machine.network)
    ip([f"addr add {_OWN}/32 dev lo", "addr add 10.89.0.1/24 dev beside", "link set beside up"], machine.network)
    ip(["addr add 10.89.0.2/24 dev eth0", "link set eth0 up", "route add default via 10.89.0.1"], neighbour.network)
    with _listen(machine, _OWN) as api, _listen(machine, _OWN) as secret, _listen(neighbour, "10.89.0.2") as behind:
        ports = [one.getsockname()[1] for one in (api, secret)]
        published = ["PREROUTING", "-m", "addrtype", "--dst-type", "LOCAL", "-p", "tcp", "--dport", "9"]
        target = f"10.89.0.2:{behind.getsockname()[1]}"
        rules = NetworkRules("one", _SUBNET, [], ports[0])
        uplink = machine.run(lambda: Uplink(rules))

        def reached(container: Place) -> list[bool]:
            with ThreadPoolExecutor() as at_once:
                return list(at_once.map(lambda port: container.reaches(_OWN, port), (*ports, 9)))

        def publish() -> None:
            call(["iptables", "-t", "nat", "-A", *published, "-j", "DNAT", "--to-destination", target])

        machine.run(publish)
        machine.run(lambda: uplink.connect("abaco1", first.network))
        assert first.reaches(*behind.getsockname())  # the world is
        assert reached(first) == [True, False, False]
        _load_anew(machine)
        machine.run(publish)
        assert reached(first) == [True, True, True]
        machine.run(lambda: uplink.connect("abaco2", second.network))
        assert reached(first) == reached(second) == [True, False, False]
