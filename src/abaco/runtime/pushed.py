"""What users have pushed, in a directory for each; beside what `ImageDirectory` has:

pushed/<tenant>/<user>/<hex>          a blob; if an image has it, another name of the same file as in blobs/
pushed/<tenant>/<user>/<hex>.<size>   an image with that digest takes so many bytes beside its blobs
pushed/<tenant>/<user>/draft-<...>    a blob on its way in
"""

import hashlib
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from abaco.domain.manifest import MAX_MANIFEST_BYTES, Descriptor, Manifest
from abaco.ports import ImageError, PushedBlobs
from abaco.runtime.drafts import FileDraft, cost, entries
from abaco.runtime.layers import unpacked_size
from abaco.runtime.layout import digest_hex

__all__ = ["PushedFiles", "gather", "measured"]

_HEX_LENGTH: Final = 64


class PushedFiles(PushedBlobs):
    """The pushed blobs below `directory`, which is that of the images."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def begin(self, owner: str) -> FileDraft:
        place = _owned(self._directory, owner)
        place.mkdir(parents=True, exist_ok=True)
        return FileDraft(place)

    def sizes(self, owner: str) -> Mapping[str, int]:
        sizes: dict[str, int] = {}
        for entry in entries(_owned(self._directory, owner)):
            if len(entry.name) == _HEX_LENGTH:
                with suppress(FileNotFoundError):  # pruned meanwhile
                    sizes[f"sha256:{entry.name}"] = entry.stat().st_size
        return sizes

    def used(self, owner: str) -> int:
        return sum(map(_cost, entries(_owned(self._directory, owner))))

    def charge(self, owner: str, digest: str, size: int) -> None:
        place = _owned(self._directory, owner)
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{digest_hex(digest)}.{size}").touch()

    def free(self) -> int:
        self._directory.mkdir(parents=True, exist_ok=True)
        return shutil.disk_usage(self._directory).free

    def read(self, digest: str) -> str:
        file = self._directory / "blobs" / "sha256" / digest_hex(digest)
        try:
            if file.stat().st_size > MAX_MANIFEST_BYTES:
                raise ImageError("its manifest or configuration is too large")
            return file.read_bytes().decode()
        except (OSError, UnicodeDecodeError) as error:
            raise ImageError("its manifest or configuration is not here") from error

    def prune(self, before: datetime) -> int:
        removed = 0
        for place in (self._directory / "pushed").glob("*/*"):
            for entry in entries(place):
                with suppress(FileNotFoundError):  # a draft, which has got its name or is given up
                    status = entry.stat()
                    is_blob = "." not in entry.name
                    if is_blob and status.st_nlink == 1 and status.st_mtime < before.timestamp():
                        Path(entry.path).unlink()
                        removed += 1
        return removed


def gather(directory: Path, owner: str, text: str, manifest: Manifest, target: Path) -> str:
    """Put the image with the manifest `text` into `target`, blob by blob, as links to those that are here already or
    that `owner` has pushed; its digest. Raises ImageError if one is missing or not as long as the manifest says.
    """
    for blob in dict.fromkeys(manifest.blobs):
        _link(directory, owner, blob, target / digest_hex(blob.digest))
    digest = hashlib.sha256(text.encode()).hexdigest()
    (target / digest).write_bytes(text.encode())
    return f"sha256:{digest}"


def measured(blobs: Path, manifest: Manifest, most: int) -> int:
    """Bytes that the image takes unpacked. Raises ImageError if that is more than `most`."""
    total = 0
    for layer in manifest.layers:
        total += unpacked_size(blobs / digest_hex(layer.digest), layer.media_type, most - total)
    return total


def _link(directory: Path, owner: str, blob: Descriptor, target: Path) -> None:
    name = digest_hex(blob.digest)
    for source in (directory / "blobs" / "sha256" / name, _owned(directory, owner) / name):
        try:
            target.hardlink_to(source)
        except FileNotFoundError:
            continue
        except FileExistsError:
            return  # one blob under two media types
        if target.stat().st_size != blob.size:
            raise ImageError(f"{blob.digest} has {target.stat().st_size} bytes, not the {blob.size} of the manifest")
        return
    raise ImageError("it lacks a file that it refers to")


def _owned(directory: Path, owner: str) -> Path:
    """Where the blobs of `owner` lie. Raises ValueError for what does not name one."""
    tenant, _, user = owner.partition("/")
    if "/" in user or {tenant, user} & {"", ".", ".."}:
        raise ValueError(owner)
    return directory / "pushed" / tenant / user


def _cost(entry: os.DirEntry[str]) -> int:
    _, _, charged = entry.name.partition(".")
    return cost(entry, int(charged or 0))
