"""The network of containers without root: a program for each worker that does as its user what its containers ask for.

slirp4netns gives a network namespace a device and opens, as an ordinary program, the connections that come out of it.
So nothing of the machine's own network is changed, and workers do not reach each other.
"""

import json
import os
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from ipaddress import IPv4Network
from threading import Lock, Thread
from typing import Final

from abaco.runtime.ip import ENVIRONMENT, call, ip
from abaco.runtime.kernel import in_network
from abaco.runtime.namespaces import descriptor_path
from abaco.runtime.unavailable import RuntimeUnavailable

__all__ = ["Slirp", "SlirpLink", "own_networks"]

_PROGRAM: Final = "slirp4netns"
_DEVICE: Final = "tap0"
_MTU: Final = 65_520
"""The largest that it takes: the way is through memory only."""
_TABLE_BYTES: Final = 4096
_NETLINK_BYTES: Final = 65_536
_RTMGRP_IPV4_ROUTE: Final = 0x40
_RTM_NEWROUTE: Final = 24
_RTN_LOCAL: Final = 2
_KIND_AND_TYPE: Final = struct.Struct("=4xH17xB")
"""Of a message: nlmsghdr.nlmsg_type, rtmsg.rtm_type."""
_RETRY_SECONDS: Final = 1.0
_QUOTED: Final = 200
_EVERYTHING: Final = "0.0.0.0/0"


class Slirp:
    """`blocked`: what containers must not reach, beside this machine itself.

    What the machine takes for itself later (a VPN, a bridge of Docker) is blocked as the kernel tells of it. Raises
    RuntimeUnavailable without the program.
    """

    def __init__(self, blocked: Sequence[IPv4Network]) -> None:
        if shutil.which(_PROGRAM, path=ENVIRONMENT["PATH"]) is None:
            raise RuntimeUnavailable(
                f"Without root containers have a network by {_PROGRAM}: apt-get install {_PROGRAM}; or set network to "
                "none or host."
            )
        self._blocked = blocked
        self._lock = Lock()
        self._networks: set[int] = set()
        self._news = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self._news.bind((0, _RTMGRP_IPV4_ROUTE))
        Thread(target=self._watch, name="own-networks", daemon=True).start()

    def connect(self, name: str, network: int) -> "SlirpLink":  # noqa: ARG002 - on the machine there is no device
        """Raises RuntimeUnavailable or OSError."""
        with ExitStack() as undo:
            link = SlirpLink(network, lambda: self._forget(network))
            undo.callback(link.close)
            # First among those that hear of new ones, then all that there are: none is missed.
            with self._lock:
                self._networks.add(network)
            ip(self._rules(), network)
            undo.pop_all()
        return link

    def _rules(self) -> Iterator[str]:
        yield "link set lo up"
        yield from _routes([*self._blocked, *own_networks()])

    def _watch(self) -> None:
        while True:
            with suppress(OSError):  # news that were lost are news, too
                if _KIND_AND_TYPE.unpack_from(self._news.recv(_NETLINK_BYTES)) != (_RTM_NEWROUTE, _RTN_LOCAL):
                    continue
            while not self._block_own():
                time.sleep(_RETRY_SECONDS)

    def _block_own(self) -> bool:
        """Whether no container reaches any of the machine's networks that there are now."""
        try:
            routes = list(_routes(own_networks()))
        except (RuntimeUnavailable, OSError):
            return False
        with self._lock:
            # Each is tried, whatever became of those before it.
            failed = [network for network in self._networks if not _is_added(routes, network)]
        return not failed

    def _forget(self, network: int) -> None:
        with self._lock:
            self._networks.discard(network)


class SlirpLink:
    """One worker's process; `closed` is called at its end. Raises RuntimeUnavailable if it does not get ready."""

    def __init__(self, network: int, closed: Callable[[], None]) -> None:
        self._network = network
        self._closed = closed
        self._received = self._received_before = 0
        with ExitStack() as undo:
            self._start(undo)
            # The kernel tells of the devices of the namespace that it was opened in.
            self._table = in_network(network, _open_table)
            undo.pop_all()

    def _start(self, undo: ExitStack) -> None:
        ready, told = socket.socketpair()
        command = [_PROGRAM, "--configure", f"--mtu={_MTU}", "--disable-host-loopback", "--disable-dns"]
        command += ["--enable-seccomp", f"--ready-fd={told.fileno()}"]
        with ready, told:
            self._process = subprocess.Popen(
                [*command, "--netns-type=path", descriptor_path(self._network), _DEVICE],
                env=ENVIRONMENT,
                pass_fds=[told.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
            undo.callback(self._end)
            told.close()
            if not ready.recv(1):
                raise RuntimeUnavailable(f"{_PROGRAM} gives containers no network: {self._complaint()}")

    def _complaint(self) -> str:
        _, errors = self._process.communicate()
        return errors.decode(errors="replace").strip().replace("\n", "; ")

    def received_bytes(self) -> int:
        """What has come in since the link was made.

        This is asked before each container: a process that has ended meanwhile is replaced.
        """
        if self._process.poll() is not None:
            self._renew()
        for line in os.pread(self._table, _TABLE_BYTES, 0).splitlines():
            device, _, numbers = line.strip().partition(b":")
            if device.decode() == _DEVICE:
                self._received = self._received_before + int(numbers.split()[0])
        return self._received

    def _renew(self) -> None:
        self._received_before = self._received  # the new device counts anew
        with suppress(RuntimeUnavailable, OSError), ExitStack() as undo:  # else the next time
            self._end()
            self._start(undo)
            undo.pop_all()

    def close(self) -> None:
        self._closed()
        os.close(self._table)
        self._end()

    def _end(self) -> None:
        with self._process:
            self._process.kill()


def own_networks() -> list[IPv4Network]:
    """Where others can reach this machine's services: its addresses, and whatever else it takes for itself.

    Raises RuntimeUnavailable.
    """
    told = call(["ip", "-json", "-4", "route", "show", "table", "local", "type", "local"])
    try:
        found = [IPv4Network(_EVERYTHING if one["dst"] == "default" else one["dst"]) for one in json.loads(told)]
    except (ValueError, LookupError, TypeError):
        raise RuntimeUnavailable(f"ip says what cannot be understood: {told[:_QUOTED]}") from None
    return [network for network in found if not network.is_loopback]


def _routes(networks: Sequence[IPv4Network]) -> Iterator[str]:
    # One by one: one may be part of another.
    for network in networks:
        yield f"route replace unreachable {network}"


def _is_added(routes: Sequence[str], network: int) -> bool:
    try:
        ip(routes, network)
    except (RuntimeUnavailable, OSError):
        return False
    return True


def _open_table() -> int:
    return os.open("/proc/thread-self/net/dev", os.O_RDONLY | os.O_CLOEXEC)
