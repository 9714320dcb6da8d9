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
    """An image on this machine. `config` is the ``config`` object of the OCI image configuration.

    `unpacked` is the root file system; None where the runtime keeps images itself.
    """

    name: str
    digest: str
    unpacked: Path | None
    config: Mapping[str, Any]

    @property
    def rootfs(self) -> Path:
        """Raises ValueError if it is not unpacked."""
        if self.unpacked is None:
            raise ValueError(f"{self.name} is not unpacked on this machine")
        return self.unpacked


class ImageProvider(Protocol):
    """Images on this machine: a content-addressed store. All methods block; all may be called by many threads."""

    def import_archive(self, archive: Path) -> str:
        """Take in an OCI or Docker archive; its manifest digest. Raises ImageError."""

    def prepare(self, ref: ImageRef) -> PreparedImage:
        """Make the image ready, pulling it first if the digest is not known; once per digest. Raises ImageError."""
