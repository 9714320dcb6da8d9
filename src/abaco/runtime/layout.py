"""OCI image layouts: an index, and blobs named by their digests. What skopeo and umoci hand images over in."""

import json
import re
from pathlib import Path
from typing import Any, Final

from abaco.ports import ImageError

__all__ = ["digest_hex", "image_config", "lay_out", "manifest_digest", "read_json"]

_DIGEST: Final = re.compile(r"sha256:([0-9a-f]{64})")


def digest_hex(digest: str) -> str:
    """The hexadecimal part, fit to be a file's name. Raises ImageError if `digest` is none."""
    match = _DIGEST.fullmatch(digest)
    if match is None:
        raise ImageError(f"{digest[:80]!r} is not a digest of the form sha256:...")
    return match[1]


def lay_out(layout: Path, digest: str) -> bool:
    """Write the index of a layout of one image, if its blobs hold the manifest; whether they do."""
    manifest = layout / "blobs" / "sha256" / digest_hex(digest)
    if not manifest.exists():
        return False
    descriptor = {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": digest,
        "size": manifest.stat().st_size,
        "annotations": {"org.opencontainers.image.ref.name": "image"},
    }
    (layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [descriptor]}))
    return True


def manifest_digest(layout: Path) -> str:
    """The digest of the first image in `layout`."""
    digest = str(read_json(layout / "index.json")["manifests"][0]["digest"])
    return f"sha256:{digest_hex(digest)}"


def image_config(layout: Path) -> dict[str, Any]:
    """The ``config`` object of the image in `layout`; what a container is started with."""
    blobs = layout / "blobs" / "sha256"
    manifest = read_json(blobs / digest_hex(manifest_digest(layout)))
    image = read_json(blobs / digest_hex(str(manifest["config"]["digest"])))
    config = (image.get("config") or {}) if isinstance(image, dict) else None
    if not isinstance(config, dict):
        raise ImageError("its configuration is broken")
    return config


def read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise ImageError(f"its {file.name} cannot be read") from error
