"""Images on a machine."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from abaco.domain.manifest import Manifest
from abaco.ports.files import Draft
from abaco.ports.stop import Stop

__all__ = ["ImageError", "ImageProvider", "ImageRef", "PreparedImage", "PushedBlobs"]


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

    def prepare(self, ref: ImageRef, stop: Stop | None = None) -> PreparedImage:
        """Make the image ready, pulling it first if the digest is not known; unpacked once per digest.

        Raises ImageError, and does so soon if `stop` is set meanwhile; nothing half done is left then.
        """

    def assemble(self, text: str, manifest: Manifest, owner: str, most: int) -> tuple[str, int]:
        """Take in the image with the manifest `text` from blobs that `owner` has pushed or that are here already.

        Its digest, and the bytes that it takes beside its blobs: none if it was here. Raises ImageError if one of its
        parts is missing, broken, or not what the manifest says, and if it would take more than `most` bytes.
        """

    def prune(self, keep: Collection[str]) -> int:
        """Remove all images but those with these digests, with what only they are made of; how many.

        Nothing may be running of them. Raises ImageError if some process works on images now.
        """


class PushedBlobs(Protocol):
    """What users have pushed: each user's blobs by themselves. An `owner` is what the names of their images begin with.

    All methods block.
    """

    def begin(self, owner: str) -> Draft: ...

    def sizes(self, owner: str) -> Mapping[str, int]:
        """The blobs that `owner` has pushed, by digest."""

    def used(self, owner: str) -> int:
        """Bytes of disk of all that `owner` has pushed, drafts and unpacked images included."""

    def charge(self, owner: str, digest: str, size: int) -> None:
        """Remember that the image of `owner` with that digest takes `size` bytes beside its blobs."""

    def free(self) -> int:
        """Bytes of the disk that are free."""

    def read(self, digest: str) -> str:
        """A manifest or configuration of an image that is here. Raises ImageError."""

    def prune(self, before: datetime) -> int:
        """Remove blobs that were pushed before and belong to no image; how many."""
