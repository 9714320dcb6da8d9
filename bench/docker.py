"""A Docker engine of our own for the other side of the comparison."""

import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bench.containers import DockerLoop
from dockerd import Dockerd

__all__ = ["docker_loop"]

_IMAGE = "abaco-bench:latest"


@contextmanager
def docker_loop(archive: Path, environment: dict[str, str]) -> Iterator[DockerLoop]:
    with closing(Dockerd()) as engine:
        host = f"--dest-daemon-host=unix://{engine.socket}"
        source = f"oci-archive:{archive}"
        command = ["skopeo", "--insecure-policy", "copy", "--quiet", host, source, f"docker-daemon:{_IMAGE}"]
        subprocess.run(command, check=True)
        yield DockerLoop(engine.socket, _IMAGE, environment)
