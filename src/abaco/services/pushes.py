"""Images that users push over HTTP: first the blobs that are missing here, then the manifest that names them.

Users are strangers. Their images lie below names that are theirs, what they push is counted, and a blob is there only
for those who have pushed it or may use an image that has it: whoever knows no more than a digest gets nothing by it.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from abaco.domain.image import home, normalize, pushed_name
from abaco.domain.manifest import parse_manifest, require_digest
from abaco.domain.user import Principal
from abaco.errors import Conflict, InvalidInput, NotFound, TooLarge
from abaco.ports import Clock, ImageError, ImageProvider, ImageRecord, PushedBlobs, Store
from abaco.services.access import require_full, require_lasting
from abaco.services.images import PUSH, may_use
from abaco.services.uploads import Upload

__all__ = ["PushLimits", "Pushes"]

_MAX_ASKED = 1000
_REGISTRY = "registry"


@dataclass(frozen=True, slots=True)
class PushLimits:
    """Bytes: of one image, as blobs or unpacked; of everything of one user; and of the disk, what stays free.

    None is no limit.
    """

    image: int | None
    user: int | None
    free: int | None


class Pushes:
    def __init__(
        self, store: Store, provider: ImageProvider, blobs: PushedBlobs, clock: Clock, limits: PushLimits
    ) -> None:
        self._store = store
        self._provider = provider
        self._blobs = blobs
        self._clock = clock
        self._limits = limits

    def list(self, caller: Principal) -> "list[ImageRecord]":
        """The images that were imported for all, or pushed in the caller's tenant.

        What registries gave is left out: it would tell of other tenants' actors.
        """
        require_full(caller)
        return [image for image in self._usable(caller) if image.source != _REGISTRY]

    def manifest(self, caller: Principal, name: str) -> tuple[ImageRecord, str, str]:
        """An image that the caller may use, with the texts of its manifest and its configuration.

        Raises NotFound if its blobs are not here.
        """
        require_full(caller)
        found = self._store.images.find(normalize(name))
        if found is None or not may_use(found, caller.tenant):
            raise NotFound(f"This server knows no image {name[:80]!r}.")
        try:
            text = self._blobs.read(found.digest)
            return found, text, self._blobs.read(parse_manifest(text).config.digest)
        except (ImageError, InvalidInput) as error:
            raise NotFound(f"This server has no blobs of the image {name[:80]!r}: {error}") from None

    def missing(self, caller: Principal, digests: Sequence[str]) -> Sequence[str]:
        """Those of `digests` that the caller has to upload."""
        owner = _owner(caller)
        if len(digests) > _MAX_ASKED:
            raise TooLarge(f"More than {_MAX_ASKED} digests at once.")
        wanted = {require_digest(digest): None for digest in digests}
        here = self._blobs.sizes(owner).keys() | self._shared(caller)
        return [digest for digest in wanted if digest not in here]

    def begin(self, caller: Principal, digest: str) -> Upload:
        """A blob on its way in; raises TooLarge if the caller, or the disk, has no room for any."""
        owner = _owner(caller)
        require_digest(digest)
        self._require_room(owner, 0)
        return Upload(digest, lambda: self._blobs.begin(owner), lambda size: self._require_room(owner, size))

    def _require_room(self, owner: str, size: int) -> None:
        """Raise TooLarge if there is none for a blob of `size` bytes. What comes in at the same time counts, too."""
        limits = self._limits
        if limits.image is not None and size > limits.image:
            raise _too_large_an_image(limits.image)
        if limits.user is not None and self._blobs.used(owner) > limits.user:
            raise TooLarge(f"Your images may take {limits.user} bytes here, and do: ask the server's administrator.")
        if limits.free is not None and self._blobs.free() < limits.free:
            raise TooLarge("The server's disk has no room for more images: ask the server's administrator.")

    def create(self, caller: Principal, name: str | None, text: str | None) -> ImageRecord:
        """Make the image of blobs that are here; a push of the same name before it is replaced."""
        owner = _owner(caller)
        if not name or not text:
            raise InvalidInput("An image needs a name, and its manifest as a text.")
        full = pushed_name(name, caller.tenant, caller.username, is_admin=caller.is_admin)
        manifest = parse_manifest(text)
        absent = self.missing(caller, [blob.digest for blob in manifest.blobs])
        if absent:
            raise Conflict(f"The image has blobs that are not here: upload them first ({', '.join(absent)}).")
        try:
            most = self._room(owner, sum(blob.size for blob in manifest.blobs))
            digest, size = self._provider.assemble(text, manifest, owner, most)
        except ImageError as error:
            raise InvalidInput(str(error)) from None
        if size:
            self._blobs.charge(owner, digest, size)
        record = ImageRecord(full, digest, PUSH, self._clock.now())
        self._store.images.put(record)
        return record

    def _room(self, owner: str, packed: int) -> int:
        """Bytes that an image may take unpacked; raises TooLarge if there is no room for any."""
        limits = self._limits
        if limits.image is not None and packed > limits.image:
            raise _too_large_an_image(limits.image)
        return _least(
            limits.image,
            None if limits.user is None else limits.user - self._blobs.used(owner),
            self._blobs.free() - (limits.free or 0),
        )

    def _usable(self, caller: Principal) -> Iterator[ImageRecord]:
        return (image for image in self._store.images.all() if may_use(image, caller.tenant))

    def _shared(self, caller: Principal) -> set[str]:
        """The blobs of images that the caller may use."""
        found: set[str] = set()
        for digest in {image.digest for image in self._usable(caller)}:
            try:
                manifest = json.loads(self._blobs.read(digest))
                found.update(_digests(manifest))
            except (ImageError, LookupError, TypeError, ValueError):
                continue  # an image that this machine has not fetched, or that is none of ours
        return found


def _owner(caller: Principal) -> str:
    require_full(caller)
    require_lasting(caller)
    return home(caller.tenant, caller.username)


def _least(*numbers: int | None) -> int:
    return min(number for number in numbers if number is not None)


def _digests(manifest: Any) -> list[str]:
    return [str(blob["digest"]) for blob in (manifest["config"], *manifest["layers"])]


def _too_large_an_image(limit: int) -> TooLarge:
    return TooLarge(f"An image may have {limit} bytes here.")
