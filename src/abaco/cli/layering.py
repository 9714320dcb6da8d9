"""Building an image without a program for it: the project's files as a layer on an image that the server has."""

import gzip
import hashlib
import io
import json
import posixpath
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

from abaco.cli.containerfile import Copy, Recipe
from abaco.client import Blob, LocalImage, described, open_image
from abaco.errors import InvalidInput, NotFound

__all__ = ["FindBase", "layered"]

_LEFT_OUT: Final = {".git", "__pycache__", ".venv"}


class Base(Protocol):
    """An image that is there: its name, and the texts of its manifest and configuration."""

    @property
    def name(self) -> str: ...
    @property
    def manifest(self) -> str: ...
    @property
    def config(self) -> str: ...


FindBase = Callable[[str], Base]
"""Raises NotFound."""


@contextmanager
def layered(find: FindBase, recipe: Recipe, bases: Sequence[str], project: Path) -> Iterator[tuple[LocalImage, str]]:
    """The image that `recipe` makes of `project`, and the name of what it stands on.

    That is the image of its FROM or the first of `bases` that `find` finds; else skopeo is asked for that of FROM.
    Raises InvalidInput if there is none.
    """
    names = [recipe.base, *bases]
    for name in names:
        try:
            found = find(name)
        except NotFound:
            continue
        blobs = [Blob(each["digest"], each["size"]) for each in json.loads(found.manifest)["layers"]]
        yield _on_top(recipe, project, json.loads(found.manifest), json.loads(found.config), blobs), found.name
        return
    with _copied(recipe.base, names) as base:
        config = json.loads(base.blobs[0].read())
        yield _on_top(recipe, project, json.loads(base.manifest), config, base.blobs[1:]), recipe.base


@contextmanager
def _copied(name: str, tried: Sequence[str]) -> Iterator[LocalImage]:
    with tempfile.TemporaryDirectory(prefix="abaco-base-") as workspace:
        target = Path(workspace) / "base"
        command = ["skopeo", "--insecure-policy", "copy", "--quiet", f"docker://{name}", f"oci:{target}:base"]
        if shutil.which("skopeo") is None or subprocess.run(command, capture_output=True, check=False).returncode:
            raise InvalidInput(
                f"none of the images {', '.join(tried)}, for this one to stand on, is there, and skopeo does not get "
                "the first of them here: push one (abaco image push), and name it among 'bases' in actor.toml."
            )
        with open_image(target) as image:
            yield image


def _on_top(
    recipe: Recipe, project: Path, manifest: dict[str, Any], config: dict[str, Any], below: Sequence[Blob]
) -> LocalImage:
    """Nothing of it depends on the time: the same project makes the same image, of which nothing is sent again."""
    plain = _layer(recipe.copies, project)
    config["rootfs"]["diff_ids"].append(f"sha256:{hashlib.sha256(plain).hexdigest()}")
    config["config"] = recipe.configured(config.get("config") or {})
    # With as many entries as layers, or none at all, is how tools want it.
    config.pop("history", None)
    layer, content = gzip.compress(plain, mtime=0), json.dumps(config, sort_keys=True).encode()
    described_layer, described_config = described(layer, "layer.v1.tar+gzip"), described(content, "config.v1+json")
    text = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": described_config,
            "layers": [*manifest["layers"], described_layer],
        }
    )
    return LocalImage(text, [_blob(described_config, content), *below, _blob(described_layer, layer)])


def _blob(descriptor: dict[str, Any], content: bytes) -> Blob:
    return Blob(descriptor["digest"], descriptor["size"], lambda: io.BytesIO(content))


def _layer(copies: Sequence[Copy], project: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, file in sorted(_placed(copies, project).items()):
            _add(tar, name.lstrip("/"), file)
    return buffer.getvalue()


def _placed(copies: Sequence[Copy], project: Path) -> dict[str, Path]:
    """The files by the names that they get; of two with one name the later stays."""
    placed: dict[str, Path] = {}
    for copy in copies:
        for source in copy.sources:
            path = _inside(project, source)
            if path.is_dir():
                placed |= {posixpath.join(copy.target, part): file for part, file in _files_below(path)}
            else:
                target = posixpath.join(copy.target, path.name) if copy.target.endswith("/") else copy.target
                placed[target] = path
    return {posixpath.normpath(name): file for name, file in placed.items()}


def _inside(project: Path, source: str) -> Path:
    path = project / source.lstrip("/")
    if not path.resolve().is_relative_to(project.resolve()):
        raise InvalidInput(f"COPY {source}: it is not in the project {project}.")
    if not path.exists():
        raise InvalidInput(f"COPY {source}: there is no such file in {project}.")
    return path


def _files_below(directory: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(directory.rglob("*")):
        part = path.relative_to(directory)
        if not _LEFT_OUT & set(part.parts) and (path.is_file() or path.is_symlink()):
            yield part.as_posix(), path


def _add(tar: tarfile.TarFile, name: str, file: Path) -> None:
    entry = tarfile.TarInfo(name)
    if file.is_symlink():
        entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, str(file.readlink()), 0o777
        tar.addfile(entry)
        return
    entry.mode = 0o755 if file.stat().st_mode & 0o111 else 0o644
    content = file.read_bytes()
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))
