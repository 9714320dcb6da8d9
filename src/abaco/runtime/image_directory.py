"""Where images are kept and worked on; any number of threads and processes may share it.

blobs/sha256/<hex>   layers, configurations and manifests
locks/<hex>          held while the image with that digest is unpacked; if it is a reference's: while that is fetched
work/                what is being done; nothing in it outlives the doing
"""

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from abaco.ports import ImageError, Stop
from abaco.runtime.layout import digest_hex, read_json
from abaco.runtime.locks import locked
from abaco.runtime.overlay import delete_tree

__all__ = ["ImageDirectory"]


class ImageDirectory:
    """Made if it is not there; what killed processes have left half done in it is deleted."""

    def __init__(self, directory: Path) -> None:
        self.root = directory
        self.blobs = directory / "blobs" / "sha256"
        self._locks = directory / "locks"
        self._work = directory / "work"
        for part in (self.blobs, self._locks, self._work):
            part.mkdir(parents=True, exist_ok=True)
        self._sweep()

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        """A directory that is deleted afterwards."""
        with locked(self._work, os.O_DIRECTORY, fcntl.LOCK_SH):
            directory = Path(tempfile.mkdtemp(dir=self._work)).resolve()
            try:
                yield directory
            finally:
                delete_tree(directory)

    def locked(self, digest: str, stop: Stop | None = None) -> AbstractContextManager[None]:
        """Alone with `digest`, among threads and processes. Raises ImageError if it is none, or not wanted any more."""
        return locked(self._locks / digest_hex(digest), os.O_RDWR | os.O_CREAT, fcntl.LOCK_EX, stop)

    def fetching(self, reference: str, stop: Stop | None) -> AbstractContextManager[None]:
        """Alone with fetching `reference`, so that it is fetched once.

        Never hold `locked` while something is fetched: whoever runs a registry may give it the manifest of any image,
        and then keep silent.
        """
        return self.locked(f"sha256:{hashlib.sha256(reference.encode()).hexdigest()}", stop)

    def keep(self, blobs: Path) -> None:
        """Move the files in `blobs` to the others."""
        for blob in blobs.iterdir():
            blob.rename(self.blobs / blob.name)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While nobody has a workspace; raises ImageError if somebody has."""
        try:
            with locked(self._work, os.O_DIRECTORY, fcntl.LOCK_EX | fcntl.LOCK_NB):
                yield
        except BlockingIOError:
            raise ImageError("somebody works on images now: try again later") from None

    def forget(self, keep: Collection[str]) -> None:
        """Remove the blobs that are not part of one of these images, and what users have pushed of such."""
        kept = {digest_hex(digest) for image in keep for digest in self._parts(image)}
        for blob in self.blobs.iterdir():
            if blob.name not in kept:
                blob.unlink()
        for pushed in (self.root / "pushed").glob("*/*/*"):
            if pushed.name.partition(".")[0] not in kept:
                pushed.unlink()

    def _parts(self, image: str) -> list[str]:
        """The digests of an image's blobs, its manifest's included; that alone, if the blobs are not here."""
        try:
            manifest = read_json(self.blobs / digest_hex(image))
            return [image, *(str(part["digest"]) for part in (manifest["config"], *manifest["layers"]))]
        except (ImageError, LookupError, TypeError):
            return [image]

    def _sweep(self) -> None:
        """Unless somebody is at work now."""
        with suppress(BlockingIOError), locked(self._work, os.O_DIRECTORY, fcntl.LOCK_EX | fcntl.LOCK_NB):
            for leftover in self._work.iterdir():
                delete_tree(leftover)
