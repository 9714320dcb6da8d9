"""Images."""

from abaco.api.schemas.base import Camel

__all__ = ["Blob", "Blobs", "Image", "ImageDescription", "ImageManifest", "Missing"]


class Image(Camel, kw_only=True):
    """An image that actors may be registered with."""

    name: str
    digest: str
    source: str
    create_time: str


class ImageManifest(Camel, kw_only=True):
    """What an image is made of."""

    name: str
    digest: str
    manifest: str
    config: str


class ImageDescription(Camel, kw_only=True):
    """A new image, whose blobs are there."""

    name: str
    manifest: str


class Blobs(Camel, kw_only=True):
    """Blobs to ask for."""

    digests: list[str]


class Missing(Camel, kw_only=True):
    """Blobs to upload."""

    missing: list[str]


class Blob(Camel, kw_only=True):
    """A blob that was uploaded."""

    digest: str
    size: int
