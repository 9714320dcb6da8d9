"""Images in the engine: pulled by it, or loaded into it from the blobs of imported archives.

Each is known there by a name of ours that holds its digest. Blobs lie where those of crun's images do, so that an image
is loaded again when the engine has lost it, and that either runtime finds what was imported for the other.
"""

from collections.abc import Collection, Mapping
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Any, Final, TypeVar

from aiodocker import Docker

from abaco.domain.image import at_digest, normalize
from abaco.domain.manifest import Manifest
from abaco.ports import ImageError, ImageProvider, ImageRef, PreparedImage, Stop
from abaco.runtime.docker.archive import take_in, write_for_engine
from abaco.runtime.docker.engine import DockerEngine, EngineError
from abaco.runtime.image_directory import ImageDirectory
from abaco.runtime.layout import digest_hex
from abaco.runtime.pushed import gather, measured
from abaco.runtime.skopeo import explained
from abaco.runtime.wanted import LOOK_SECONDS, require_wanted

__all__ = ["DockerImages", "local_name"]

_REPOSITORY: Final = "localhost/abaco-images"
_T = TypeVar("_T")


class DockerImages(ImageProvider):
    """The images of `engine`, which has been entered; blobs and locks are below `directory`."""

    def __init__(self, directory: Path, engine: DockerEngine, pull_timeout_seconds: float = 900.0) -> None:
        self._directory = ImageDirectory(directory)
        self._engine = engine
        self._timeout = pull_timeout_seconds

    def import_archive(self, archive: Path) -> str:
        try:
            with self._directory.workspace() as workspace:
                blobs = workspace / "blobs"
                blobs.mkdir()
                digest = take_in(archive, workspace, blobs)
                # A broken layer shows only here, and now is the time to say so.
                self._load(blobs, digest, workspace)
                self._directory.keep(blobs)
        except (ImageError, EngineError) as error:
            raise ImageError(f"The image archive cannot be used: {_reason(error)}") from error
        return digest

    def assemble(self, text: str, manifest: Manifest, owner: str, most: int) -> tuple[str, int]:
        try:
            with self._directory.workspace() as workspace:
                blobs = workspace / "blobs"
                blobs.mkdir()
                digest = gather(self._directory.root, owner, text, manifest, blobs)
                is_new = self._config(digest) is None
                size = measured(blobs, manifest, most) if is_new else 0
                if is_new:
                    self._load(blobs, digest, workspace)
                self._directory.keep(blobs)
        except (ImageError, EngineError) as error:
            raise ImageError(f"The image cannot be used: {_reason(error)}") from error
        return digest, size

    def prune(self, keep: Collection[str]) -> int:
        async def remove(client: Docker) -> int:
            # Those whose blobs lie here: other servers may have images in the same engine.
            own = {local_name(f"sha256:{blob.name}") for blob in self._directory.blobs.iterdir()}
            tags = {tag for image in await client.images.list() for tag in image.get("RepoTags") or []}
            gone = (own - {local_name(digest) for digest in keep}) & tags
            for tag in gone:
                await client.images.delete(tag)
            return len(gone)

        with self._directory.alone():
            try:
                count = self._engine.call(remove, self._timeout)
            except EngineError as error:
                raise ImageError(_reason(error)) from error
            self._directory.forget(keep)
        return count

    def prepare(self, ref: ImageRef, stop: Stop | None = None) -> PreparedImage:
        try:
            digest = ref.digest or self._pull(ref.name, stop)
            config = self._config(digest)
            if config is None:
                self._fetch(ref.name, digest, stop)
                config = self._config(digest)
        except (ImageError, EngineError) as error:
            raise ImageError(f"The image {ref.name} cannot be used: {_reason(error)}") from error
        return PreparedImage(ref.name, digest, None, config or {})

    def _fetch(self, name: str, digest: str, stop: Stop | None) -> None:
        """From the blobs that are here, or else from its registry."""
        reference = at_digest(name, digest)
        with self._directory.fetching(reference, stop):
            if self._config(digest) is not None:
                return
            if (self._directory.blobs / digest_hex(digest)).exists():
                with self._directory.workspace() as workspace:
                    self._load(self._directory.blobs, digest, workspace, stop)
            else:
                self._pull(reference, stop, digest)

    def _config(self, digest: str) -> Mapping[str, Any] | None:
        """The configuration of the image as the engine has it under our name, if it does."""
        try:
            found = self._engine.call(lambda client: client.images.inspect(local_name(digest)))
        except EngineError as error:
            if error.is_not_found:
                return None
            raise
        return found.get("Config") or {}

    def _load(self, blobs: Path, digest: str, workspace: Path, stop: Stop | None = None) -> None:
        archive = workspace / "for-engine.tar"
        write_for_engine(blobs, digest, local_name(digest), archive)

        async def load(client: Docker) -> None:
            with archive.open("rb") as file:
                await client.images.import_image(file)

        _awaited(self._engine.begin(load, self._timeout), stop)

    def _pull(self, name: str, stop: Stop | None, digest: str | None = None) -> str:
        """Have the engine pull what `name` is now, and give it our name; its digest."""

        async def pull(client: Docker) -> str:
            await client.images.pull(name)
            found = await client.images.inspect(name)
            known = digest or _digest_at(name, found.get("RepoDigests") or [])
            repository, _, tag = local_name(known).partition(":")
            await client.images.tag(found["Id"], repository, tag=tag)
            return known

        return _awaited(self._engine.begin(pull, self._timeout), stop)


def local_name(digest: str) -> str:
    """What the engine calls the image with that digest."""
    return f"{_REPOSITORY}:{digest_hex(digest)}"


def _digest_at(name: str, known: list[str]) -> str:
    """The digest under which the registry of `name` has the image; other registries may have it, too."""
    for reference in known:
        digest = reference.partition("@")[2]
        if normalize(reference) == normalize(at_digest(name, digest)):
            return digest
    raise ImageError("its registry does not say its digest")


def _awaited(future: "Future[_T]", stop: Stop | None) -> _T:
    """What the engine answers, unless it is not wanted any more: then the engine hears that, too."""
    try:
        while not wait([future], LOOK_SECONDS).done:
            require_wanted(stop)
    finally:
        future.cancel()
    return future.result()


def _reason(error: Exception) -> str:
    return explained(str(error)) if isinstance(error, EngineError) else str(error)
