"""Giving a UNIX socket its place in the file system, where containers can be shown it."""

import os
import socket
from pathlib import Path

__all__ = ["bind_for_all"]


def bind_for_all(unbound: socket.socket, path: Path) -> None:
    """Bind `unbound` to `path`, in the place of what was there, so that every user may connect. Raises OSError."""
    path.unlink(missing_ok=True)
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # The path of a UNIX socket is limited to 107 bytes, that of a data directory is not.
        unbound.bind(f"/proc/self/fd/{directory}/{path.name}")
    finally:
        os.close(directory)
    path.chmod(0o777)
