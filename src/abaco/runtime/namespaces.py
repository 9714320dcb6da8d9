"""The user and network namespaces of one worker: made once, joined by each of its containers, gone with it."""

import os
import subprocess
from typing import IO, cast

from abaco.runtime.unavailable import RuntimeUnavailable

__all__ = ["USERS", "Namespaces", "descriptor_path"]

USERS = 65_536
"""How many users there are in a container: as many as images use."""
_HOLD = "echo; read _"


class Namespaces:
    """Held by descriptors. Root in there is user `first_user` of where this process is, who owns nothing and is nobody;
    there are `users` of them.

    Raises RuntimeUnavailable if this machine does not allow them.
    """

    def __init__(self, first_user: int, users: int = USERS) -> None:
        # A process with several threads cannot make itself a user namespace: another one does, and is let go.
        command = ["unshare", "--user", "--net", "/bin/sh", "-c", _HOLD]
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

    def close(self) -> None:
        os.close(self.user)
        os.close(self.network)


def descriptor_path(descriptor: int) -> str:
    """Where other programs find a namespace that this process holds."""
    return f"/proc/{os.getpid()}/fd/{descriptor}"
