"""Manifests: which blobs an image is made of."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from abaco.errors import InvalidInput, TooLarge

__all__ = ["MAX_MANIFEST_BYTES", "Descriptor", "Manifest", "parse_manifest", "require_digest"]

MAX_MANIFEST_BYTES = 4 << 20
"""Of a manifest, and of the configuration that it names."""
_MAX_LAYERS = 500
"""More than twice what a container's file system may be made of elsewhere."""
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYERS = {f"application/vnd.oci.image.layer.v1.tar{packing}" for packing in ("", "+gzip")}


@dataclass(frozen=True, slots=True)
class Descriptor:
    """One blob, as a manifest names it."""

    digest: str
    size: int
    media_type: str


@dataclass(frozen=True, slots=True)
class Manifest:
    config: Descriptor
    layers: tuple[Descriptor, ...]

    @property
    def blobs(self) -> tuple[Descriptor, ...]:
        return (self.config, *self.layers)


def require_digest(text: str) -> str:
    """Return `text` if it is a digest, else raise InvalidInput."""
    if _DIGEST.fullmatch(text) is None:
        raise InvalidInput(f"{text[:80]!r} is not a digest: it is sha256: and 64 hexadecimal digits in lower case.")
    return text


def parse_manifest(text: str) -> Manifest:
    """Raises InvalidInput for what is not the manifest of one OCI image with layers that can be unpacked here."""
    if len(text.encode()) > MAX_MANIFEST_BYTES:
        raise TooLarge(f"The manifest is larger than {MAX_MANIFEST_BYTES} bytes.")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidInput("The manifest is not JSON.") from None
    if not isinstance(value, dict) or value.get("schemaVersion") != 2:
        raise InvalidInput("The manifest is not that of an OCI image: it has no schemaVersion 2.")
    if value.get("mediaType", _MANIFEST) != _MANIFEST:
        raise InvalidInput(
            f"The manifest has another mediaType than {_MANIFEST}: skopeo copy makes an OCI image of it."
        )
    layers = value.get("layers")
    if not isinstance(layers, list) or not 0 < len(layers) <= _MAX_LAYERS:
        raise InvalidInput(f"The manifest's layers must be a list of 1 to {_MAX_LAYERS}.")
    config = _descriptor(value.get("config"), "config", {_CONFIG})
    if config.size > MAX_MANIFEST_BYTES:
        raise TooLarge(f"The image's configuration is larger than {MAX_MANIFEST_BYTES} bytes.")
    return Manifest(config, tuple(_descriptor(layer, "layer", _LAYERS) for layer in layers))


def _descriptor(value: Any, what: str, kinds: set[str]) -> Descriptor:
    if not isinstance(value, Mapping):
        raise InvalidInput(f"The manifest's {what} is no object.")
    digest, size, kind = value.get("digest"), value.get("size"), value.get("mediaType")
    if not isinstance(digest, str) or not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise InvalidInput(f"The manifest's {what} needs digest (a text) and size (a number).")
    if not isinstance(kind, str) or kind not in kinds:
        raise InvalidInput(f"The manifest's {what} has another mediaType than {' or '.join(sorted(kinds))}.")
    return Descriptor(require_digest(digest), size, kind)
