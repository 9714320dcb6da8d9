"""``/actors/images``: list, and push in three steps: ask what is missing, upload that, name it."""

from typing import Any

from anyio import CapacityLimiter
from litestar import Request, get, post, put
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath

from abaco.api import schemas
from abaco.api.auth import Caller, credentials_of
from abaco.api.documents import BYTES, Query, documented
from abaco.api.params import query_value, read_params, surface_of
from abaco.api.surface import CANONICAL_ROOT, Surface
from abaco.api.uploads import stored
from abaco.api.wire import Wire
from abaco.domain.moment import iso
from abaco.ports import ImageRecord
from abaco.services.pushes import Pushes

__all__ = ["image_routes"]

_ALL = CANONICAL_ROOT + "/images"
_IMAGE = Query("image", "Name of the image.", "abacosamples/wc")


def image_routes(pushes: Pushes, caller: Caller, wire: Wire) -> list[BaseRouteHandler]:
    # Unpacking takes a CPU and the disk for seconds: one image at a time leaves the API its share of both.
    unpacking = CapacityLimiter(1)

    @get(_ALL, **documented("listImages", "List the images that are here.", list[schemas.Image]))
    async def list_images(request: Request[Any, Any, Any]) -> Any:
        found, surface = await caller.call(request, pushes.list), surface_of(request)
        return wire.success("Images retrieved successfully.", [_shown(surface, image) for image in found])

    @get(
        f"{_ALL}/manifest",
        **documented("getImageManifest", "See what an image is made of.", schemas.ImageManifest, query=[_IMAGE]),
    )
    async def get_manifest(request: Request[Any, Any, Any]) -> Any:
        name = query_value(request, "image")
        image, manifest, config = await caller.call(request, lambda who: pushes.manifest(who, name))
        result = {"name": image.name, "digest": image.digest, "manifest": manifest, "config": config}
        return wire.success("Image retrieved successfully.", result)

    @post(
        f"{_ALL}/missing",
        **documented("listMissingBlobs", "See which blobs to upload.", schemas.Missing, body=schemas.Blobs),
    )
    async def list_missing(request: Request[Any, Any, Any]) -> Any:
        credentials_of(request)  # before the body: a stranger is told so at once
        digests = (await read_params(request)).texts("digests")
        missing = await caller.call(request, lambda who: pushes.missing(who, digests))
        return wire.success("Missing blobs retrieved successfully.", {"missing": missing})

    @put(
        _ALL + "/blobs/{digest:str}",
        **documented("uploadBlob", "Upload a blob of an image.", schemas.Blob, bodies={BYTES: bytes}),
    )
    async def upload_blob(request: Request[Any, Any, Any], digest: FromPath[str]) -> Any:
        upload = await caller.call(request, lambda who: pushes.begin(who, digest))
        size = await stored(request, upload)
        return wire.success("Blob uploaded successfully.", {"digest": digest, "size": size})

    @post(
        _ALL, **documented("addImage", "Make an image of uploaded blobs.", schemas.Image, body=schemas.ImageDescription)
    )
    async def create_image(request: Request[Any, Any, Any]) -> Any:
        credentials_of(request)
        params = await read_params(request)
        name, manifest = params.text("name"), params.text("manifest")
        image = await caller.call(request, lambda who: pushes.create(who, name, manifest), unpacking)
        return wire.success("Image created successfully.", _shown(surface_of(request), image))

    return [list_images, get_manifest, list_missing, upload_blob, create_image]


def _shown(surface: Surface, image: ImageRecord) -> dict[str, Any]:
    return surface.render(
        {"name": image.name, "digest": image.digest, "source": image.source, "create_time": iso(image.created_at)}
    )
