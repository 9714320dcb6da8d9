"""Image archives of both kinds, without a program that reads them: to blobs by digest, and from those to the engine.

Blobs and manifests are OCI's, as in the store of images that crun uses: what was imported for one runtime is there for
the other.
"""

import hashlib
import json
import platform
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Final, cast

from abaco.ports import ImageError
from abaco.runtime.archives import open_archive
from abaco.runtime.layout import digest_hex, read_json

__all__ = ["take_in", "write_for_engine"]

_PIECE_BYTES: Final = 1 << 20
_MAX_JSON_BYTES: Final = 4 << 20
_MAX_DEPTH: Final = 4
_GZIP: Final = b"\x1f\x8b"
_OCI: Final = "application/vnd.oci.image"
_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}
_BROKEN_LAYER: Final = "one of its layers is broken"


def take_in(archive: Path, workspace: Path, blobs: Path) -> str:
    """Put the blobs of the first image in `archive` into `blobs`; its manifest's digest. Raises ImageError."""
    path, found = open_archive(archive, workspace)
    try:
        with tarfile.open(path, "r:") as tar:
            image = _Image(tar, blobs)
            return (
                image.of_docker(found["manifest.json"])
                if "manifest.json" in found
                else image.of_oci(found["index.json"])
            )
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise ImageError("its index is broken, or refers to what it does not hold") from error
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ImageError("it is not a complete tar file") from error


def write_for_engine(blobs: Path, digest: str, name: str, target: Path) -> None:
    """Write the image with that manifest as an archive that engines load, under `name`. Raises ImageError."""
    manifest = read_json(blobs / digest_hex(digest))
    config, *layers = [f"blobs/sha256/{digest_hex(one['digest'])}" for one in (manifest["config"], *manifest["layers"])]
    index = json.dumps([{"Config": config, "RepoTags": [name], "Layers": layers}]).encode()
    try:
        with tarfile.open(target, "w") as tar:
            for path in dict.fromkeys((config, *layers)):
                tar.add(blobs / Path(path).name, path)
            (target.parent / "manifest.json").write_bytes(index)
            tar.add(target.parent / "manifest.json", "manifest.json")
    except FileNotFoundError as error:
        raise ImageError("it lacks a file that it refers to") from error


class _Image:
    """The first image of an archive, on its way into `blobs`."""

    def __init__(self, tar: tarfile.TarFile, blobs: Path) -> None:
        self._tar = tar
        self._members = {member.name.removeprefix("./"): member for member in tar}
        self._blobs = blobs

    def of_docker(self, index: Any) -> str:
        """Docker's kind has no manifest; one is made, which is the same for the same archive."""
        config, layers = self._json(index[0]["Config"]), [self._keep(name) for name in index[0]["Layers"]]
        expected = json.loads(config)["rootfs"]["diff_ids"]
        for layer, wanted in zip(layers, expected, strict=True):
            if layer["mediaType"].endswith("tar") and layer["digest"] != wanted:
                raise ImageError(_BROKEN_LAYER)
        described = self._write(config, f"{_OCI}.config.v1+json")
        manifest = {
            "schemaVersion": 2,
            "mediaType": f"{_OCI}.manifest.v1+json",
            "config": described,
            "layers": layers,
        }
        return str(self._write(json.dumps(manifest).encode(), "")["digest"])

    def of_oci(self, index: Any, depth: int = 0) -> str:
        """An index may lead to another one, with an entry for each kind of machine."""
        descriptor = _for_this_machine(index["manifests"])
        content = self._json(_blob_name(descriptor))
        manifest = json.loads(content)
        if "manifests" in manifest and depth < _MAX_DEPTH:
            return self.of_oci(manifest, depth + 1)
        for part in (manifest["config"], *manifest["layers"]):
            if self._keep(_blob_name(part))["digest"] != part["digest"]:
                raise ImageError(_BROKEN_LAYER)
        return str(self._write(content, "")["digest"])

    def _json(self, name: str) -> bytes:
        member = self._members[name]
        if member.size > _MAX_JSON_BYTES:
            raise ImageError("its configuration is too large")
        return self._file(member).read()

    def _keep(self, name: str) -> dict[str, Any]:
        """Copy a file of the archive; the descriptor of a layer."""
        source, draft, digest, size = self._file(self._members[name]), self._blobs / "draft", hashlib.sha256(), 0
        head = b""
        with draft.open("wb") as target:
            while piece := source.read(_PIECE_BYTES):
                head = head or piece[: len(_GZIP)]
                digest.update(piece)
                size += target.write(piece)
        draft.rename(self._blobs / digest.hexdigest())
        kind = f"{_OCI}.layer.v1.tar{'+gzip' if head == _GZIP else ''}"
        return {"mediaType": kind, "digest": f"sha256:{digest.hexdigest()}", "size": size}

    def _write(self, content: bytes, kind: str) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        (self._blobs / digest).write_bytes(content)
        return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(content)}

    def _file(self, member: tarfile.TarInfo) -> IO[bytes]:
        # Layers that occur twice are links in some archives; they cannot lead out of it.
        return cast("IO[bytes]", self._tar.extractfile(member))


def _blob_name(descriptor: Mapping[str, Any]) -> str:
    return f"blobs/sha256/{digest_hex(descriptor['digest'])}"


def _for_this_machine(entries: Any) -> Mapping[str, Any]:
    """The first one, or the one that says it is for this kind of machine."""
    wanted = _ARCHITECTURES.get(platform.machine(), platform.machine())
    fitting = [entry for entry in entries if (entry.get("platform") or {}).get("architecture", wanted) == wanted]
    if not fitting:
        raise ImageError("it is not made for this machine's architecture")
    return cast("Mapping[str, Any]", fitting[0])
