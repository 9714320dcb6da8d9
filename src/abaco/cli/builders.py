"""The programs that build images: which of them work here, and how they are told to."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from abaco.client import LocalImage, open_image
from abaco.errors import AbacoError, InvalidInput

__all__ = ["BUILDERS", "built", "working_builder"]

BUILDERS: Final = ("podman", "docker", "buildah")
_PROOF: Final = {
    "podman": ("info",),
    "docker": ("version", "--format", "{{.Server.Version}}"),  # fails without an engine
    "buildah": ("info",),
}
_SECONDS: Final = 20


def working_builder(wanted: str | None) -> str | None:
    """`wanted`, or the first that works; None if none does. Raises InvalidInput if `wanted` does not."""
    if wanted is None:
        return next((each for each in BUILDERS if _works(each)), None)
    if wanted not in BUILDERS:
        raise InvalidInput(f"--builder: {wanted!r} is none of {', '.join(BUILDERS)}, none.")
    if not _works(wanted):
        raise InvalidInput(f"--builder: {wanted} is not installed here, or does not work: try '{wanted} info'.")
    return wanted


def _works(builder: str) -> bool:
    if shutil.which(builder) is None:
        return False
    try:
        done = subprocess.run(
            [builder, *_PROOF[builder]], stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


@contextmanager
def built(builder: str, project: Path, containerfile: Path, name: str) -> Iterator[LocalImage]:
    """The image of `project`; what the builder says goes to stderr. Raises AbacoError if it fails."""
    tag = f"localhost/abaco/{name}"
    command = [builder, "build", "-t", tag, "-f", str(containerfile), str(project)]
    if _said(command):
        raise AbacoError(f"{builder} did not build the image: it says above why.")
    if builder != "buildah":
        with open_image(f"{builder}:{tag}") as image:
            yield image
        return
    with TemporaryDirectory(prefix="abaco-built-") as workspace:
        archive = Path(workspace) / "image.tar"
        if _said(["buildah", "push", "--quiet", tag, f"oci-archive:{archive}"]):
            raise AbacoError("buildah did not write the image: it says above why.")
        with open_image(archive) as image:
            yield image


def _said(command: list[str]) -> int:
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False).returncode
