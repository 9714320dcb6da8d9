"""Images by name: importing archives, and which digest a name stands for."""

from pathlib import Path

from abaco.domain.image import is_of_tenant, normalize
from abaco.errors import InvalidInput, Unavailable
from abaco.ports import Clock, ImageError, ImageProvider, ImageRecord, ImageRef, Store

__all__ = ["PUSH", "Images", "may_use"]

PUSH = "push"
"""The source of images that users have pushed."""


class Images:
    def __init__(self, store: Store, provider: ImageProvider, clock: Clock) -> None:
        self._store = store
        self._provider = provider
        self._clock = clock

    def import_archive(self, archive: Path, name: str) -> ImageRecord:
        """Take in an OCI or Docker archive under `name`; raises InvalidInput if it is not a usable one."""
        try:
            digest = self._provider.import_archive(archive)
        except ImageError as error:
            raise InvalidInput(str(error)) from None
        return self._record(normalize(name), digest, "archive")

    def list(self) -> "list[ImageRecord]":
        return self._store.images.all()

    def prune(self) -> int:
        """Remove the images that no name stands for any more; how many. Nothing may be running of them.

        Raises Unavailable if that cannot be done now.
        """
        try:
            return self._provider.prune({image.digest for image in self._store.images.all()})
        except ImageError as error:
            raise Unavailable(f"The images cannot be removed: {error}.") from None

    def reference(self, name: str, tenant: str, *, pull: bool) -> ImageRef:
        """What to run for `name` in `tenant`: the digest it stands for here, or None: pull it.

        With `pull` (a forced update) a name that came from a registry is asked for again; an imported archive
        is only replaced by another import, and a pushed image by another push.
        """
        name = normalize(name)
        known = self._store.images.find(name)
        if known is None or not may_use(known, tenant) or (pull and known.source == "registry"):
            return ImageRef(name, None)
        return ImageRef(name, known.digest)

    def pulled(self, name: str, digest: str) -> None:
        """Remember what a pulled name turned out to be."""
        known = self._store.images.find(name)
        if known is None or (known.source == "registry" and known.digest != digest):
            self._record(name, digest, "registry")

    def _record(self, name: str, digest: str, source: str) -> ImageRecord:
        record = ImageRecord(name, digest, source, self._clock.now())
        self._store.images.put(record)
        return record


def may_use(image: ImageRecord, tenant: str) -> bool:
    """Whether users of `tenant` may run the image: what was pushed is for its own tenant."""
    return image.source != PUSH or is_of_tenant(image.name, tenant)
