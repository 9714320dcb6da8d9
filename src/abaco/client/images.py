"""Images on the server, and pushing one there without a registry."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO

import httpx
import msgspec

from abaco.client.answer import result_of
from abaco.client.connection import CONNECT_TIMEOUT, Connection, json_bytes, path
from abaco.client.local_image import ENGINES, Blob, LocalImage, open_image
from abaco.client.record import Record
from abaco.errors import Conflict, InternalError, InvalidInput

__all__ = ["Image", "ImageManifest", "Images", "Pushed"]

_CHUNK_BYTES = 1 << 18
_PATIENCE_SECONDS = 1800.0
"""The server unpacks an image before it answers."""
OnProgress = Callable[[int, int], None]
"""Told how many of how many bytes have been sent."""


class Image(Record, frozen=True, kw_only=True, rename="camel"):
    """An image on the server: `name` is what actors are registered with."""

    name: str
    digest: str
    source: str = ""
    create_time: datetime | None = None


class ImageManifest(Record, frozen=True, kw_only=True, rename="camel"):
    """What an image is made of: the texts of its OCI manifest and configuration."""

    name: str
    digest: str
    manifest: str
    config: str


class Pushed(Image, frozen=True, kw_only=True, rename="camel"):
    """An image that was pushed, and how many of its blobs, with how many bytes, had to be sent for it."""

    blobs_sent: int = 0
    bytes_sent: int = 0


class Images:
    """The images of the server: ``/actors/v2/images``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> "list[Image]":
        """The images that were imported for everybody, or pushed in your tenant."""
        found = self._connection.get(path("images"))
        if not isinstance(found, list):
            raise InternalError("The server's list of images is not a list: is it an Abaco server of this version?")
        return [Image.from_wire(each) for each in found]

    def manifest(self, name: str) -> ImageManifest:
        """Raises NotFound if the server does not have the image."""
        return ImageManifest.from_wire(result_of(self._call("GET", "manifest", params={"image": name})))

    def push(
        self,
        source: str | Path | LocalImage,
        name: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> Pushed:
        """Send an image to the server: what it lacks of it, and nothing else.

        `source` is an OCI directory, an archive (OCI, or of ``docker save``), ``docker:NAME`` or ``podman:NAME``.
        `name` is one of your own, such as ``wc:1.0``, by default that of the source; the result has the whole name.
        Raises InvalidInput for what is no image and NotPermitted for a name that is not yours.
        """
        if isinstance(source, LocalImage):
            return self._push(source, name or "image", on_progress)
        with open_image(source) as image:
            return self._push(image, name or _name_of(str(source)), on_progress)

    def _push(self, image: LocalImage, name: str, on_progress: OnProgress | None) -> Pushed:
        blobs = {blob.digest: blob for blob in image.blobs}
        body = {"digests": [*blobs]}
        missing = [blobs[digest] for digest in self._connection.post(path("images", "missing"), body)["missing"]]
        total = sum(blob.size for blob in missing)
        tell = _Teller(on_progress, total)
        for blob in missing:
            self._upload(blob, tell)
        made = result_of(self._call("POST", content=json_bytes({"name": name, "manifest": image.manifest})))
        return msgspec.structs.replace(Pushed.from_wire(made), blobs_sent=len(missing), bytes_sent=total)

    def _upload(self, blob: Blob, tell: "_Teller") -> None:
        if blob.open is None:
            raise Conflict(f"the server no longer has {blob.digest}, on which this image stands: try again.")
        with blob.open() as file:
            result_of(self._call("PUT", "blobs", blob.digest, content=tell.pieces(file), length=blob.size))

    def _call(
        self,
        method: str,
        *parts: str,
        params: dict[str, str] | None = None,
        content: bytes | Iterator[bytes] | None = None,
        length: int | None = None,
    ) -> httpx.Response:
        kind = "application/json" if length is None else "application/octet-stream"
        headers = {"Content-Type": kind} | ({} if length is None else {"Content-Length": str(length)})
        return self._connection.call(
            method,
            path("actors", "v2", "images", *parts),
            params=params or {},
            headers=headers,
            content=content,
            timeout=httpx.Timeout(_PATIENCE_SECONDS, connect=CONNECT_TIMEOUT),
        )


class _Teller:
    """Counts what is sent, over all blobs."""

    def __init__(self, on_progress: OnProgress | None, total: int) -> None:
        self._on_progress = on_progress
        self._total = total
        self._sent = 0

    def pieces(self, file: IO[bytes]) -> Iterator[bytes]:
        while piece := file.read(_CHUNK_BYTES):
            yield piece
            self._sent += len(piece)
            if self._on_progress is not None:
                self._on_progress(self._sent, self._total)


def _name_of(source: str) -> str:
    """The last part of what `source` is called: of ``docker:lab/wc:1.0`` it is ``wc:1.0``, of ``build/wc.tar`` ``wc``.

    Raises InvalidInput if that cannot be the name of an image.
    """
    engine, _, name = source.partition(":")
    if engine not in ENGINES:
        name = re.sub(r"\.(tar|tar\.gz|tgz|oci)$", "", Path(source).resolve().name).lower()
    last = name.rpartition("/")[2].partition("@")[0]
    if re.fullmatch(r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?::[\w.-]+)?", last) is None:
        raise InvalidInput(f"{last!r} cannot be the name of an image: give a name, such as {source} wc:1.0")
    return last
