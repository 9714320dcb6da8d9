"""An image of a user's own: programs on top of ``abacosamples/py3_base``, as their Dockerfile would add them."""

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

__all__ = ["derive"]

# Not a shell: it would drop variables such as `_abaco_Content-Type`, whose names are none to it.
_LAUNCHER = "import os, runpy; runpy.run_path(os.environ['PROGRAM'], run_name='__main__')"


def derive(base: Path, programs: Path, target: Path) -> None:
    """Write to `target` the OCI archive `base` with the folder `programs`; the one that ``PROGRAM`` names runs.

    One image for all of them, because unpacking one takes seconds.
    """
    with tarfile.open(base) as tar:
        files = {member.name: _content(tar, member) for member in tar.getmembers() if member.isfile()}
    index = json.loads(files["index.json"])
    manifest = json.loads(files.pop(_path(index["manifests"][0])))
    config = json.loads(files.pop(_path(manifest["config"])))
    plain = _layer(programs)
    layer = gzip.compress(plain, mtime=0)
    config["config"]["Cmd"] = ["python3", "-c", _LAUNCHER]
    config["rootfs"]["diff_ids"].append(f"sha256:{hashlib.sha256(plain).hexdigest()}")
    manifest["layers"].append(_add(files, layer, "application/vnd.oci.image.layer.v1.tar+gzip"))
    manifest["config"] = _add(files, json.dumps(config).encode(), manifest["config"]["mediaType"])
    entry = _add(files, json.dumps(manifest).encode(), "application/vnd.oci.image.manifest.v1+json")
    index["manifests"] = [{**index["manifests"][0], **entry}]
    files["index.json"] = json.dumps(index).encode()
    with tarfile.open(target, "w") as tar:
        for name, data in files.items():
            _put(tar, name, data)


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    assert file is not None
    return file.read()


def _path(descriptor: dict[str, Any]) -> str:
    return "blobs/" + str(descriptor["digest"]).replace(":", "/")


def _add(files: dict[str, bytes], data: bytes, media_type: str) -> dict[str, Any]:
    descriptor = {"mediaType": media_type, "digest": f"sha256:{hashlib.sha256(data).hexdigest()}", "size": len(data)}
    files[_path(descriptor)] = data
    return descriptor


def _layer(programs: Path) -> bytes:
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        for program in sorted(programs.glob("*.py")):
            _put(tar, program.name, program.read_bytes())
    return layer.getvalue()


def _put(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))
