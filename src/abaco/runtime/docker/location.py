"""Where the engine listens."""

import os
import socket
from pathlib import Path
from typing import Final

from abaco.runtime.unavailable import RuntimeUnavailable

__all__ = ["answering_socket", "engine_socket"]

_USUAL: Final = ("/var/run/docker.sock", "/run/podman/podman.sock")
_SCHEME: Final = "unix://"
_PATIENCE_SECONDS: Final = 5.0


def engine_socket() -> Path:
    """Where the engine listens, if there is one. Raises RuntimeUnavailable if DOCKER_HOST says what cannot be used."""
    host = os.environ.get("DOCKER_HOST")
    if host is None:
        return next((path for path in map(Path, _USUAL) if path.is_socket()), Path(_USUAL[0]))
    if not host.startswith(_SCHEME):
        # Results come through sockets in the file system, which must be the engine's as well.
        raise RuntimeUnavailable(f"DOCKER_HOST must be unix:///path, an engine on this machine; it is {host}.")
    return Path(host.removeprefix(_SCHEME))


def answering_socket() -> Path | None:
    """The socket of an engine that is there now."""
    try:
        path = engine_socket()
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(_PATIENCE_SECONDS)
            probe.connect(str(path))
    except (RuntimeUnavailable, OSError):
        return None
    return path
