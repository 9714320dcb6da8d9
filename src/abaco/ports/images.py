"""Images on a machine."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

__all__ = ["ImageError", "ImageProvider", "ImageRef", "PreparedImage"]


class ImageError(Exception):
    """An image is missing, broken or unreachable; ``str()`` is for the user."""


@dataclass(frozen=True, slots=True)
class ImageRef:
    """An image by normalized name; with `digest` None it must be pulled."""

    name: str
    digest: str | None


@dataclass(frozen=True, slots=True)
class PreparedImage:
    """An image unpacked on this machine. `config` is the ``config`` object of the OCI image configuration."""

    name: str
    digest: str
    rootfs: Path
    config: Mapping[str, Any]


class ImageProvider(Protocol):
    """Images on this machine: a content-addressed store. All methods block; all may be called by many threads."""

    def import_archive(self, archive: Path) -> str:
        """Take in an OCI or Docker archive; its manifest digest. Raises ImageError."""

    def prepare(self, ref: ImageRef) -> PreparedImage:
        """Unpack the image, pulling it first if the digest is not known; once per digest. Raises ImageError."""
