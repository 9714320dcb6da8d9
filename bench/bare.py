"""The yardsticks: the same image by a bare `crun run`, and by `docker run` where Docker is present."""

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from abaco.ports import ContainerSpec, ImageRef, PreparedImage
from abaco.runtime.accounts import image_account
from abaco.runtime.images import OciImages
from abaco.runtime.kernel import enter_private_mounts
from abaco.runtime.spec import Surroundings, runtime_spec

__all__ = ["BareCrun", "DockerRun", "bare_crun", "docker_run"]


class BareCrun:
    """Runs one bundle again and again: no private layer, no limits, no results, nothing but `crun run`."""

    def __init__(self, bundle: Path) -> None:
        self._bundle = bundle
        self._count = 0

    def run(self) -> float:
        """Seconds that one run took."""
        self._count += 1
        command = ["crun", "run", "--bundle", str(self._bundle), f"bare{os.getpid()}-{self._count}"]
        started = time.perf_counter()
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True)
        return time.perf_counter() - started


@contextmanager
def bare_crun(archive: Path, environment: dict[str, str]) -> Iterator[BareCrun]:
    """The image's bundle as our own runtime writes it. Enters private mounts: crun refuses hybrid control groups."""
    enter_private_mounts()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        images = OciImages(directory / "images")
        image = images.prepare(ImageRef("bench", images.import_archive(archive)))
        _write_bundle(directory, image, environment)
        yield BareCrun(directory)


def _write_bundle(directory: Path, image: PreparedImage, environment: dict[str, str]) -> None:
    results = directory / "results.sock"
    results.touch()
    given = Surroundings(image.rootfs, results, network=None, users=None, seccomp="", etc={})
    account = image_account(image.rootfs, str(image.config.get("User") or ""))
    spec = runtime_spec(image.config, ContainerSpec("bench", environment), account, given)
    # What `crun spec` leaves out, too.
    del spec["annotations"]
    # The mount point that the private layer would hold.
    (image.rootfs / "_abaco_results.sock").touch()
    (directory / "config.json").write_text(json.dumps(spec))


class DockerRun:
    """`docker run --rm` of the same image."""

    def __init__(self, image: str, environment: dict[str, str]) -> None:
        self._command = ["docker", "run", "--rm"]
        for variable, value in environment.items():
            self._command += ["--env", f"{variable}={value}"]
        self._command.append(image)

    def run(self) -> float:
        """Seconds that one run took."""
        started = time.perf_counter()
        subprocess.run(self._command, stdin=subprocess.DEVNULL, capture_output=True, check=True)
        return time.perf_counter() - started


def docker_run(archive: Path, environment: dict[str, str]) -> DockerRun | None:
    """None where no Docker engine answers."""
    if shutil.which("docker") is None:
        return None
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode != 0:
        return None
    target = "docker-daemon:abaco-bench:latest"
    subprocess.run(["skopeo", "copy", f"oci-archive:{archive}", target], capture_output=True, check=True)
    return DockerRun("abaco-bench:latest", environment)
