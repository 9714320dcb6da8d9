"""The user and network namespaces of one worker: made once, joined by each of its containers, gone with it."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import IO, Final, cast

from abaco.runtime.kernel import in_network
from abaco.runtime.unavailable import RuntimeUnavailable

__all__ = ["USERS", "Namespaces", "UserRange", "UserRanges", "descriptor_path"]

USERS: Final = 65_536
"""How many users there are in a container: as many as images use."""
_LAST_GROUP: Final = 2_147_483_647
"""For whom the kernel can allow pings."""
_HOLD: Final = "echo; read _"
_LIMIT: Final = "; echo 8 >/proc/sys/user/max_inotify_instances"
"""Of the 128 that the creator has, who needs some for other workers and for other programs."""


@dataclass(frozen=True, slots=True)
class UserRange:
    """One worker's: root of its containers is user `first` of the machine; `creator` is for its namespaces."""

    first: int
    creator: int


class UserRanges:
    """From `first` on, one for each worker that lives: what the kernel counts for a user is counted for a worker.

    `shared`: they all have the first one, since their files are to be each other's; but each has a creator of its own.
    """

    def __init__(self, first: int, *, shared: bool = False) -> None:
        self.first = first
        self._shared = shared
        self._lock = Lock()
        self._taken: set[int] = set()

    @contextmanager
    def one(self) -> Iterator[UserRange]:
        """A worker's, which no other one has until it is given back."""
        with self._lock:
            place = next(number for number in range(len(self._taken) + 1) if number not in self._taken)
            self._taken.add(place)
        try:
            own = self.first + place * USERS
            yield UserRange(self.first if self._shared else own, own)
        finally:
            with self._lock:
                self._taken.discard(place)


class Namespaces:
    """Held by descriptors. Root in there is user `first_user` of where this process is, who owns nothing and is nobody;
    there are `users` of them.

    What is used in there the kernel counts for `creator` as well, a user of the machine; None is this process's, who
    needs it for others, too. Raises RuntimeUnavailable if this machine does not allow them.
    """

    def __init__(self, first_user: int, users: int = USERS, creator: int | None = None) -> None:
        # A process with several threads cannot make itself a user namespace: another one does, and is let go.
        script = _HOLD + _LIMIT if creator is None else _HOLD
        command = [*_become(creator), "unshare", "--user", "--keep-caps", "--net", "/bin/sh", "-c", script]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            if not cast("IO[bytes]", process.stdout).read(1):
                reason = cast("IO[bytes]", process.stderr).read().decode(errors="replace").strip()
                raise RuntimeUnavailable(f"This machine does not allow user namespaces ({reason}).")
            for kind in ("uid", "gid"):
                with open(f"/proc/{process.pid}/{kind}_map", "w") as file:  # noqa: PTH123 - one write, as the kernel wants
                    file.write(f"0 {first_user} {users}")
            self.user = os.open(f"/proc/{process.pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
            self.network = os.open(f"/proc/{process.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        in_network(self.network, lambda: _open_up(0 if users == 1 else _LAST_GROUP))

    def close(self) -> None:
        os.close(self.user)
        os.close(self.network)


def _open_up(last_group: int) -> None:
    """Let programs without capabilities bind every port and send pings here, as in Docker's containers."""
    for name, value in (("ip_unprivileged_port_start", "0"), ("ping_group_range", f"0 {last_group}")):
        with suppress(OSError):  # where /proc/sys is read-only, or the kernel has no such thing
            Path(f"/proc/sys/net/ipv4/{name}").write_text(value)


def _become(creator: int | None) -> list[str]:
    """The beginning of a command that is run by another user, who may have namespaces where ordinary ones may not."""
    if creator is None:
        return []
    ids = [f"--reuid={creator}", f"--regid={creator}", "--clear-groups"]
    return ["setpriv", *ids, "--inh-caps=+sys_admin", "--ambient-caps=+sys_admin"]


def descriptor_path(descriptor: int) -> str:
    """Where other programs find a namespace that this process holds."""
    return f"/proc/{os.getpid()}/fd/{descriptor}"
