"""Image archives: which of the two kinds a file is, and which image in it is meant."""

import gzip
import json
import re
import shutil
import tarfile
import zlib
from pathlib import Path
from typing import IO, Any, Final

from abaco.ports import ImageError

__all__ = ["archive_source", "open_archive"]

_MAX_INDEX_BYTES: Final = 4 << 20
_MAX_MEMBERS: Final = 100_000
_NAME: Final = "archive"
_EXPANDED: Final = "expanded"
_PARTS: Final = re.compile(r"(?:\./)?(oci-layout|index\.json|blobs/sha256/[0-9a-f]{64})")
_GZIP: Final = b"\x1f\x8b"
_NAME_KEY: Final = "org.opencontainers.image.ref.name"


def archive_source(archive: Path, workspace: Path) -> str:
    """Bring `archive` into `workspace`; how skopeo, run there, is told to read its first image. Raises ImageError."""
    _, found = open_archive(archive, workspace)
    # What `docker save` writes since version 25 is both; the Docker side knows which image is the first.
    if "manifest.json" in found:
        return f"docker-archive:{_NAME}:@0"
    name = _first_name(found["index.json"])
    _expand(workspace / _NAME, workspace / _EXPANDED)
    return f"oci:{_EXPANDED}{name}"


def open_archive(archive: Path, workspace: Path) -> tuple[Path, dict[str, Any]]:
    """Bring `archive` into `workspace`: an uncompressed tar file, and its lists of images: that of Docker's kind
    is called manifest.json, that of OCI's index.json. Raises ImageError if it has neither.
    """
    try:
        _bring(archive, workspace / _NAME)
        found = _indexes(workspace / _NAME)
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise ImageError("it is not a tar file, or not a complete one") from error
    if not found:
        raise ImageError("it has neither index.json nor manifest.json")
    return workspace / _NAME, found


def _bring(archive: Path, target: Path) -> None:
    """Expand a gzip file, which skopeo does for one kind only; else a link, without the colons it cannot read."""
    with archive.open("rb") as file:
        compressed = file.read(2) == _GZIP
    if not compressed:
        target.symlink_to(archive.resolve())
        return
    with gzip.open(archive) as source, target.open("xb") as expanded:
        shutil.copyfileobj(source, expanded, 1 << 20)


def _indexes(archive: Path) -> dict[str, Any]:
    """The lists of images in the archive, by file name."""
    found: dict[str, Any] = {}
    with tarfile.open(archive, "r:") as tar:
        for count, member in enumerate(tar):
            name = member.name.removeprefix("./")
            if name in {"index.json", "manifest.json"} and member.isfile():
                found[name] = _decoded(tar.extractfile(member), member.size)
            if count > _MAX_MEMBERS:
                raise ImageError("it holds too many files")
    return found


def _expand(archive: Path, target: Path) -> None:
    """Skopeo would do it, but not for those who are not root: it insists on the files' owners. Raises ImageError."""
    (target / "blobs" / "sha256").mkdir(parents=True)
    try:
        with tarfile.open(archive, "r:") as tar:
            for member in tar:
                part = _PARTS.fullmatch(member.name)
                source = tar.extractfile(member) if part and member.isreg() else None
                if part and source is not None:
                    with (target / part[1]).open("wb") as file:
                        shutil.copyfileobj(source, file, 1 << 20)
    except (tarfile.TarError, OSError) as error:
        raise ImageError("it is not a complete tar file, or the disk is full") from error


def _decoded(file: IO[bytes] | None, size: int) -> Any:
    if file is None or size > _MAX_INDEX_BYTES:
        raise ImageError("its index is too large")
    try:
        return json.loads(file.read())
    except ValueError as error:
        raise ImageError("its index is not JSON") from error


def _first_name(index: Any) -> str:
    """The suffix that chooses the first of several images; skopeo needs none for a single one."""
    manifests = index.get("manifests") if isinstance(index, dict) else None
    if not isinstance(manifests, list) or not manifests or not isinstance(manifests[0], dict):
        raise ImageError("it holds no image")
    if len(manifests) == 1:
        return ""
    name = (manifests[0].get("annotations") or {}).get(_NAME_KEY)
    if not isinstance(name, str):
        raise ImageError("it holds several images without names; save one only")
    return f":{name}"
