"""Images made by hand from busybox: an OCI archive is a tar of a few JSON files and a layer, a tar again."""

import gzip
import hashlib
import io
import json
import re
import subprocess
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal

BUSYBOX = Path("/bin/busybox")
APPLETS = (
    "cat",
    "chmod",
    "chown",
    "cut",
    "date",
    "dd",
    "echo",
    "env",
    "false",
    "grep",
    "head",
    "hostname",
    "id",
    "kill",
    "ln",
    "ls",
    "mkdir",
    "mknod",
    "mount",
    "nc",
    "printf",
    "ps",
    "pwd",
    "rm",
    "seq",
    "setsid",
    "sh",
    "sha256sum",
    "sleep",
    "sort",
    "stat",
    "tail",
    "tee",
    "test",
    "touch",
    "tr",
    "true",
    "uname",
    "wc",
    "yes",
)

Edit = Callable[[tarfile.TarFile], None]


def add_file(tar: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), mode
    tar.addfile(info, io.BytesIO(content))


def add_link(tar: tarfile.TarFile, name: str, target: str) -> None:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    tar.addfile(info)


def add_directory(tar: tarfile.TarFile, name: str, mode: int = 0o755) -> None:
    info = tarfile.TarInfo(name)
    info.type, info.mode = tarfile.DIRTYPE, mode
    tar.addfile(info)


def busybox_layer(*edits: Edit) -> bytes:
    """A root file system with busybox, and what `edits` add."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for directory in ("bin", "etc", "home"):
            add_directory(tar, directory)
        add_directory(tar, "tmp", 0o1777)
        add_file(tar, "bin/busybox", BUSYBOX.read_bytes(), 0o755)
        for applet in APPLETS:
            add_link(tar, f"bin/{applet}", "busybox")
        for edit in edits:
            edit(tar)
    return buffer.getvalue()


def add_accounts(tar: tarfile.TarFile) -> None:
    add_file(tar, "etc/passwd", b"root:x:0:0::/root:/bin/sh\nalice:x:1000:1001::/home/alice:/bin/sh\n")
    add_file(tar, "etc/group", b"root:x:0:\nstaff:x:50:\nalice:x:1001:\n")


def add_perl(tar: tarfile.TarFile) -> None:
    """Debian's essential Perl: the smallest program here that sends datagrams and catches signals as told."""
    program = Path("/usr/bin/perl")
    linked = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    for path in (str(program), *re.findall(r"(/\S+) \(0x", linked)):
        add_file(tar, path.lstrip("/"), Path(path).read_bytes(), 0o755)


def oci_archive(path: Path, layer: bytes, config: dict[str, Any], names: Iterable[str | None] = (None,)) -> str:
    """Write an OCI archive with the same image under each of `names`; its manifest digest."""
    blobs: dict[str, bytes] = {}

    def blob(content: bytes, kind: str) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        blobs[digest] = content
        media_type = f"application/vnd.oci.image.{kind}"
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}

    image = _image(layer, config)
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": blob(json.dumps(image).encode(), "config.v1+json"),
        "layers": [blob(gzip.compress(layer, 1, mtime=0), "layer.v1.tar+gzip")],
    }
    described = blob(json.dumps(manifest).encode(), "manifest.v1+json")
    key = "org.opencontainers.image.ref.name"
    entries = [described | ({"annotations": {key: name}} if name else {}) for name in names]
    with tarfile.open(path, "w") as tar:
        add_file(tar, "oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
        add_file(tar, "index.json", json.dumps({"schemaVersion": 2, "manifests": entries}).encode())
        for digest, content in blobs.items():
            add_file(tar, f"blobs/sha256/{digest}", content)
    return str(described["digest"])


def docker_archive(
    path: Path, images: Iterable[tuple[bytes, dict[str, Any], list[str] | None]], mode: Literal["w", "w:gz"] = "w"
) -> None:
    """Write what `docker save` wrote before version 25: `images` are (layer, config, tags)."""
    entries = []
    with tarfile.open(path, mode) as tar:
        for number, (layer, config, tags) in enumerate(images):
            image = json.dumps(_image(layer, config)).encode()
            name = f"{hashlib.sha256(image).hexdigest()}.json"
            add_file(tar, name, image)
            add_file(tar, f"{number}/layer.tar", layer)
            entries.append({"Config": name, "RepoTags": tags, "Layers": [f"{number}/layer.tar"]})
        add_file(tar, "manifest.json", json.dumps(entries).encode())


def _image(layer: bytes, config: dict[str, Any]) -> dict[str, Any]:
    return {
        "architecture": "amd64",
        "os": "linux",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
        "history": [{"created_by": "tests"}],
    }
