"""Images on this machine, in all the forms that they come in: OCI directories, archives, and what engines hold."""

import gzip
import hashlib
import json
import os
import platform
import shutil
import subprocess
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, Final, cast

from abaco.errors import InvalidInput

__all__ = ["ENGINES", "Blob", "LocalImage", "described", "open_image"]

Opener = Callable[[], IO[bytes]]
ENGINES: Final = ("docker", "podman")
"""Programs whose images are named ``docker:NAME``."""
_OCI: Final = "application/vnd.oci.image"
_MANIFEST: Final = f"{_OCI}.manifest.v1+json"
_KINDS: Final = {
    "application/vnd.docker.container.image.v1+json": f"{_OCI}.config.v1+json",
    "application/vnd.docker.image.rootfs.diff.tar": f"{_OCI}.layer.v1.tar",
    "application/vnd.docker.image.rootfs.diff.tar.gzip": f"{_OCI}.layer.v1.tar+gzip",
}
"""Docker's words for what OCI calls otherwise."""
_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}
_GZIP: Final = b"\x1f\x8b"
_PIECE: Final = 1 << 20
_MAX_DEPTH: Final = 4


@dataclass(frozen=True)
class Blob:
    """One part of an image. `open` is how to read it; None if it is expected to be on the server."""

    digest: str
    size: int
    open: Opener | None = None

    def read(self) -> bytes:
        """All of it. Raises LookupError if it is on the server only."""
        if self.open is None:
            raise LookupError(self.digest)
        with self.open() as file:
            return file.read()


@dataclass(frozen=True)
class LocalImage:
    """The text of its OCI manifest, and the blobs that it names."""

    manifest: str
    blobs: Sequence[Blob]


def described(content: bytes, kind: str) -> dict[str, Any]:
    """The descriptor of a blob, such as of the kind ``config.v1+json``."""
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    return {"mediaType": f"{_OCI}.{kind}", "digest": digest, "size": len(content)}


@contextmanager
def open_image(source: str | Path) -> Iterator[LocalImage]:
    """The image at `source`: a directory, an archive, or ``docker:NAME`` and ``podman:NAME``.

    Of several images in one place the first is meant, of several architectures this machine's. Raises InvalidInput.
    """
    with tempfile.TemporaryDirectory(prefix="abaco-image-") as workspace:
        engine, _, name = str(source).partition(":")
        if engine in ENGINES and name and not Path(source).exists():
            path = _saved(engine, name, Path(workspace))
        else:
            path = Path(source)
        try:
            with _files_of(path, Path(workspace)) as files:
                yield _image(files)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise InvalidInput(f"{source} holds no image that can be understood: {error!r}.") from error
        except (tarfile.TarError, EOFError, zlib.error) as error:
            raise InvalidInput(f"{source} is not a complete tar archive: {error}.") from error


def _saved(engine: str, name: str, workspace: Path) -> Path:
    """Have the engine write its image. Raises InvalidInput with what it says."""
    target = workspace / "saved.tar"
    if shutil.which(engine):
        command = [engine, "save", "-o", str(target), name]
    elif shutil.which("skopeo"):
        tagged = name if ":" in name.rpartition("/")[2] else f"{name}:latest"
        transport = "docker-daemon" if engine == "docker" else "containers-storage"
        command = ["skopeo", "--insecure-policy", "copy", "--quiet", f"{transport}:{tagged}", f"oci-archive:{target}"]
    else:
        raise InvalidInput(f"neither {engine} nor skopeo is installed here: give the image as a directory or archive.")
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it does not say why"])[-1]
        raise InvalidInput(f"{engine} does not give its image {name}: {said}")
    return target


class _Files:
    """What there is under a name, in a directory or in an archive."""

    def __init__(self, openers: Mapping[str, Opener]) -> None:
        self._openers = openers

    def __contains__(self, name: str) -> bool:
        return name in self._openers

    def size(self, name: str) -> int:
        with self._openers[name]() as file:
            return file.seek(0, os.SEEK_END)

    def opener(self, name: str) -> Opener:
        return self._openers[name]

    def read(self, name: str) -> bytes:
        with self._openers[name]() as file:
            return file.read()

    def json(self, name: str) -> Any:
        return json.loads(self.read(name))


@contextmanager
def _files_of(path: Path, workspace: Path) -> Iterator[_Files]:
    if path.is_dir():
        found = [each for each in path.rglob("*") if each.is_file()]
        yield _Files({each.relative_to(path).as_posix(): partial(_opened, each) for each in found})
    elif path.is_file():
        with tarfile.open(_expanded(path, workspace), "r:") as tar:
            # Layers that occur twice are links in some archives, which are followed.
            openers = {member.name.removeprefix("./"): partial(tar.extractfile, member) for member in tar}
            yield _Files(cast("dict[str, Opener]", openers))
    else:
        raise InvalidInput(f"there is no {path}: give an OCI directory, an archive, docker:NAME or podman:NAME.")


def _opened(file: Path) -> IO[bytes]:
    return file.open("rb")


def _expanded(path: Path, workspace: Path) -> Path:
    """`path`, or what it unpacks to: one cannot go back and forth in what is compressed."""
    with path.open("rb") as file:
        if file.read(2) != _GZIP:
            return path
    expanded = workspace / "expanded.tar"
    with gzip.open(path) as source, expanded.open("wb") as target:
        shutil.copyfileobj(source, target, _PIECE)
    return expanded


def _image(files: _Files) -> LocalImage:
    if "index.json" in files:
        return _of_oci(files, files.json("index.json"))
    if "manifest.json" in files:
        return _of_docker(files, files.json("manifest.json")[0])
    raise InvalidInput("it is no image: it has neither index.json (OCI) nor manifest.json (docker save).")


def _of_oci(files: _Files, index: Any, depth: int = 0) -> LocalImage:
    """An index may lead to another one, with an entry for each kind of machine."""
    content = files.read(_blob_name(_for_this_machine(index["manifests"])["digest"]))
    manifest = json.loads(content)
    if "manifests" in manifest and depth < _MAX_DEPTH:
        return _of_oci(files, manifest, depth + 1)
    parts = [manifest["config"], *manifest["layers"]]
    text = content.decode()
    if any(part["mediaType"] in _KINDS for part in parts):
        parts = [{**part, "mediaType": _KINDS.get(part["mediaType"], part["mediaType"])} for part in parts]
        text = _manifest_text(parts)
    blobs = [Blob(part["digest"], part["size"], files.opener(_blob_name(part["digest"]))) for part in parts]
    return LocalImage(text, blobs)


def _of_docker(files: _Files, entry: Any) -> LocalImage:
    """Docker's kind has no manifest; one is made, which is the same for the same archive."""
    config = files.read(entry["Config"])
    diff_ids = json.loads(config)["rootfs"]["diff_ids"]
    layers = [_docker_layer(files, *each) for each in zip(entry["Layers"], diff_ids, strict=True)]
    parts = [described(config, "config.v1+json"), *layers]
    openers = [files.opener(name) for name in (entry["Config"], *entry["Layers"])]
    blobs = [Blob(part["digest"], part["size"], opener) for part, opener in zip(parts, openers, strict=True)]
    return LocalImage(_manifest_text(parts), blobs)


def _docker_layer(files: _Files, name: str, diff_id: str) -> dict[str, Any]:
    """An uncompressed layer's digest stands in the configuration; that of a compressed one is looked for."""
    with files.opener(name)() as file:
        if file.read(2) != _GZIP:
            return {"mediaType": f"{_OCI}.layer.v1.tar", "digest": diff_id, "size": files.size(name)}
        digest = hashlib.sha256(_GZIP)
        while piece := file.read(_PIECE):
            digest.update(piece)
    return {
        "mediaType": f"{_OCI}.layer.v1.tar+gzip",
        "digest": f"sha256:{digest.hexdigest()}",
        "size": files.size(name),
    }


def _manifest_text(parts: Sequence[Mapping[str, Any]]) -> str:
    config, *layers = [{name: part[name] for name in ("mediaType", "digest", "size")} for part in parts]
    return json.dumps({"schemaVersion": 2, "mediaType": _MANIFEST, "config": config, "layers": layers})


def _blob_name(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _for_this_machine(entries: Any) -> Mapping[str, Any]:
    """The first one, or the one that says it is for this kind of machine."""
    wanted = _ARCHITECTURES.get(platform.machine(), platform.machine())
    fitting = [entry for entry in entries if (entry.get("platform") or {}).get("architecture", wanted) == wanted]
    if not fitting:
        raise InvalidInput(f"it holds no image for this kind of machine ({wanted}).")
    return cast("Mapping[str, Any]", fitting[0])
