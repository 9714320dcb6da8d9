"""A brake on guessing passwords: failures are counted by user and by address, and soon nothing more is tried."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from threading import Lock

from abaco.errors import Throttled
from abaco.ports import Clock

__all__ = ["Throttle"]

_WINDOW = timedelta(minutes=5)
_PAIR_FAILURES = 5
"""Of one user from one address: a person who mistypes gets along with it."""
_WIDE_FAILURES = 50
"""Of one user from everywhere, and of everyone from one address: higher, since others share the count."""
_MAX_COUNTS = 20_000
"""Counts kept: some megabytes. Who is forgotten first failed longest ago."""


@dataclass(slots=True)
class _Count:
    failures: int
    since: datetime


class Throttle:
    """Safe to use from several threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counts: OrderedDict[tuple[str, ...], _Count] = OrderedDict()
        self._lock = Lock()

    def require(self, tenant: str, username: str, address: str) -> None:
        """Raises Throttled if too many sign-ins of this user, or from this address, failed lately."""
        now = self._clock.now()
        with self._lock:
            for key, limit in _limits(tenant, username, address).items():
                count = self._counts.get(key)
                if count and count.failures >= limit and now < count.since + _WINDOW:
                    minutes = int(_WINDOW.total_seconds() // 60)
                    raise Throttled(f"Too many failed sign-ins: wait {minutes} minutes.")

    def failed(self, tenant: str, username: str, address: str) -> None:
        """Count a failure."""
        now = self._clock.now()
        with self._lock:
            for key in _limits(tenant, username, address):
                count = self._counts.pop(key, None)
                if count is None or now >= count.since + _WINDOW:
                    count = _Count(0, now)
                count.failures += 1
                self._counts[key] = count
            while len(self._counts) > _MAX_COUNTS:
                self._counts.popitem(last=False)

    def succeeded(self, tenant: str, username: str, address: str) -> None:
        """Forget this user's slips from this address. The wider counts stay: an own account clears no guesses."""
        with self._lock:
            self._counts.pop(("pair", tenant, username, _network(address)), None)


def _limits(tenant: str, username: str, address: str) -> Mapping[tuple[str, ...], int]:
    network = _network(address)
    return {
        ("pair", tenant, username, network): _PAIR_FAILURES,
        ("user", tenant, username): _WIDE_FAILURES,
        ("address", network): _WIDE_FAILURES,
    }


def _network(address: str) -> str:
    """The address; of IPv6 the /64 that one machine may roam in."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:64]
    if parsed.version == 4:
        return address
    # Who comes by IPv4 to a socket for both would share one /64 with everybody.
    return str(parsed.ipv4_mapped or ip_network((parsed, 64), strict=False))
