"""The programs that set up networks."""

import os
import subprocess
from collections.abc import Iterable, Sequence
from typing import Final

from abaco.runtime.namespaces import descriptor_path
from abaco.runtime.unavailable import RuntimeUnavailable

__all__ = ["ENVIRONMENT", "call", "ip"]

ENVIRONMENT: Final = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
_SECONDS: Final = 20.0


def ip(lines: Iterable[str], network: int | None = None) -> None:
    """Run lines of the program ip, in a network namespace if one is given (a descriptor). Raises RuntimeUnavailable."""
    inside = [] if network is None else ["nsenter", f"--net={descriptor_path(network)}"]
    call([*inside, "ip", "-batch", "-"], "\n".join(lines))


def call(command: Sequence[str], given: str = "") -> str:
    """Run a program, which reads `given`; what it prints. Raises RuntimeUnavailable if that fails or hangs."""
    try:
        done = subprocess.run(
            command, input=given, env=ENVIRONMENT, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except FileNotFoundError:
        raise RuntimeUnavailable(f"{command[0]} is not installed: apt-get install iproute2 iptables.") from None
    except subprocess.TimeoutExpired:
        raise RuntimeUnavailable(f"{command[0]} did not end within {_SECONDS:.0f} s.") from None
    if done.returncode:
        raise RuntimeUnavailable(f"{os.path.basename(command[0])} failed: {done.stderr.strip()}")  # noqa: PTH119
    return done.stdout
