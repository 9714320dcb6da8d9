"""Images as OCI archives: tar files of a few JSON files and layers. The same files give the same bytes."""

import gzip
import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Layer:
    """A compressed tar file: its digest names it, its `diff_id` (digest before compression) is what the image lists."""

    data: bytes
    diff_id: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def layer_of(root: Path, is_wanted: Callable[[str], bool]) -> Layer:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path in sorted(root.rglob("*")):
            name = str(path.relative_to(root))
            if is_wanted(name):
                add_reproducibly(tar, path, name)
    return Layer(gzip.compress(plain.getvalue(), 6, mtime=0), hashlib.sha256(plain.getvalue()).hexdigest())


def add_reproducibly(tar: tarfile.TarFile, path: Path, name: str) -> None:
    entry = tar.gettarinfo(path, name)
    entry.mtime = entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    if entry.isreg():
        with path.open("rb") as file:
            tar.addfile(entry, file)
    else:
        tar.addfile(entry)


def write_archive(path: Path, layers: list[Layer], command: Sequence[str], environment: Sequence[str]) -> None:
    """An OCI image layout in a tar file (image-spec 1.0: image-layout.md, config.md, manifest.md), whole or not."""
    config = blob_of(config_of(layers, command, environment))
    manifest = blob_of(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": descriptor("application/vnd.oci.image.config.v1+json", config),
            "layers": [descriptor("application/vnd.oci.image.layer.v1.tar+gzip", layer.data) for layer in layers],
        },
    )
    entry = descriptor("application/vnd.oci.image.manifest.v1+json", manifest)
    index = {
        "schemaVersion": 2,
        "manifests": [{**entry, "annotations": {"org.opencontainers.image.ref.name": "latest"}}],
    }
    files = {
        "oci-layout": b'{"imageLayoutVersion": "1.0.0"}',
        "index.json": blob_of(index),
        **{f"blobs/sha256/{hashlib.sha256(data).hexdigest()}": data for data in (config, manifest)},
        **{f"blobs/sha256/{layer.digest}": layer.data for layer in layers},
    }
    fresh = path.with_suffix(".tmp")
    with tarfile.open(fresh, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, data in files.items():
            header = tarfile.TarInfo(name)
            header.size = len(data)
            tar.addfile(header, io.BytesIO(data))
    fresh.rename(path)


def config_of(layers: list[Layer], command: Sequence[str], environment: Sequence[str]) -> dict[str, Any]:
    return {
        "created": "1970-01-01T00:00:00Z",
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {"Env": list(environment), "Cmd": list(command), "WorkingDir": "/"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.diff_id}" for layer in layers]},
    }


def blob_of(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def descriptor(media_type: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": f"sha256:{hashlib.sha256(data).hexdigest()}", "size": len(data)}
