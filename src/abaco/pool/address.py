"""Where the workers of the local pool live."""

import socket
from contextlib import suppress

__all__ = ["own_address"]

_NOBODYS = ("192.0.2.1", 9)
"""An address for documentation (RFC 5737)."""


def own_address() -> str | None:
    """The machine's address on the network; None without one."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        # Nothing is sent: the kernel only says which of its addresses it would send from.
        probe.connect(_NOBODYS)
        address: str = probe.getsockname()[0]
        return address
    return None
