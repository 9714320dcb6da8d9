"""The network of containers without root: a program for each worker that does as its user what its containers ask for.

slirp4netns gives a network namespace a device and opens, as an ordinary program, the connections that come out of it.
So nothing of the machine's own network is changed, and workers do not reach each other.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from ipaddress import IPv4Address, IPv4Network
from typing import Final

from abaco.runtime.ip import ENVIRONMENT, call, ip
from abaco.runtime.kernel import enter_network
from abaco.runtime.namespaces import descriptor_path
from abaco.runtime.unavailable import RuntimeUnavailable

__all__ = ["Slirp", "SlirpLink", "own_addresses"]

_PROGRAM: Final = "slirp4netns"
_DEVICE: Final = "tap0"
_MTU: Final = 65_520
"""The largest that it takes: the way is through memory only."""
_TABLE_BYTES: Final = 4096


class Slirp:
    """`blocked`: what containers must not reach, beside this machine itself; `api` is its address that they may.

    Who listens there in a network namespace is the forwarder. Raises RuntimeUnavailable without the program.
    """

    def __init__(self, blocked: Sequence[IPv4Network], api: IPv4Address | None) -> None:
        if shutil.which(_PROGRAM, path=ENVIRONMENT["PATH"]) is None:
            raise RuntimeUnavailable(
                f"Without root containers have a network by {_PROGRAM}: apt-get install {_PROGRAM}; or set network to "
                "none or host."
            )
        self._blocked = blocked
        self._api = api

    def connect(self, name: str, network: int) -> "SlirpLink":  # noqa: ARG002 - on the machine there is no device
        """Raises RuntimeUnavailable or OSError."""
        with ExitStack() as undo:
            link = SlirpLink(network)
            undo.callback(link.close)
            ip(self._rules(), network)
            undo.pop_all()
        return link

    def _rules(self) -> Iterator[str]:
        yield "link set lo up"
        # One by one: an address may be part of a network.
        for network in dict.fromkeys([*self._blocked, *map(IPv4Network, own_addresses())]):
            if self._api is None or network != IPv4Network(self._api):
                yield f"route add unreachable {network}"
        if self._api is not None and not self._api.is_loopback:
            yield f"addr add {self._api}/32 dev lo"


class SlirpLink:
    """One worker's process. Raises RuntimeUnavailable if it does not get ready."""

    def __init__(self, network: int) -> None:
        ready, told = os.pipe()
        command = [_PROGRAM, "--configure", f"--mtu={_MTU}", "--disable-host-loopback", "--disable-dns"]
        command += ["--enable-seccomp", f"--ready-fd={told}", "--netns-type=path", descriptor_path(network), _DEVICE]
        try:
            self._process = subprocess.Popen(
                command,
                env=ENVIRONMENT,
                pass_fds=[told],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
            os.close(told)
            if not os.read(ready, 1):
                raise RuntimeUnavailable(f"{_PROGRAM} gives containers no network: {self._complaint()}")
        finally:
            os.close(ready)
        # The kernel tells of the devices of the namespace that it was opened in.
        with ThreadPoolExecutor(1) as elsewhere:  # a thread that never comes back from there
            self._table = elsewhere.submit(_open_table, network).result()

    def _complaint(self) -> str:
        _, errors = self._process.communicate()
        return errors.decode(errors="replace").strip().replace("\n", "; ")

    def received_bytes(self) -> int:
        """What has come in since the link was made."""
        for line in os.pread(self._table, _TABLE_BYTES, 0).splitlines():
            device, _, numbers = line.strip().partition(b":")
            if device.decode() == _DEVICE:
                return int(numbers.split()[0])
        return 0

    def close(self) -> None:
        os.close(self._table)
        self._process.kill()
        self._process.communicate()


def own_addresses() -> list[IPv4Address]:
    """Those under which others can reach this machine's services."""
    with suppress(RuntimeUnavailable):
        told = json.loads(call(["ip", "-json", "-4", "address"]))
        found = [IPv4Address(one["local"]) for device in told for one in device.get("addr_info", [])]
        return [address for address in found if not address.is_loopback]
    return []


def _open_table(network: int) -> int:
    enter_network(network)
    return os.open("/proc/thread-self/net/dev", os.O_RDONLY | os.O_CLOEXEC)
