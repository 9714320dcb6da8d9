"""``/actors/{id}/files/{digest}``: what is too large for messages and results."""

import os
from typing import Any

from litestar import Request, Response, get, put
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath

from abaco.api import schemas
from abaco.api.auth import Caller
from abaco.api.documents import BYTES, Query, documented
from abaco.api.downloads import Download
from abaco.api.params import query_value
from abaco.api.surface import CANONICAL_ROOT
from abaco.api.uploads import stored
from abaco.api.wire import Wire
from abaco.errors import InvalidInput
from abaco.services.files import Files

__all__ = ["file_routes"]

_PATH = CANONICAL_ROOT + "/{actor_id:str}/files/{digest:str}"
_MOST_DIGITS = 18
_SIZE = Query(
    "size",
    "Bytes that the file would have: if it is not there, what an upload of so many would be refused for.",
    500_000_000,
    {"type": "integer", "minimum": 0},
)


def file_routes(files: Files, caller: Caller, wire: Wire) -> list[BaseRouteHandler]:
    @put(
        _PATH,
        **documented("uploadFile", "Give an actor a file, under its digest.", schemas.File, bodies={BYTES: bytes}),
    )
    async def upload_file(request: Request[Any, Any, Any], actor_id: FromPath[str], digest: FromPath[str]) -> Any:
        length = request.headers.get("content-length", "")
        size = _number(length, "Say in the header Content-Length how many bytes the file has.")
        upload = await caller.call(request, lambda who: files.begin(who, actor_id, digest, size))
        return wire.success("File uploaded successfully.", {"digest": digest, "size": await stored(request, upload)})

    @get(_PATH, **documented("getFile", "Read a file of an actor.", bytes, query=[_SIZE]))
    async def get_file(request: Request[Any, Any, Any], actor_id: FromPath[str], digest: FromPath[str]) -> Any:
        said = query_value(request, "size")
        wanted = _number(said, "The size that a file would have is a number of bytes.") if said else None
        file = await caller.call(request, lambda who: files.open(who, actor_id, digest, wanted))
        size = os.fstat(file.fileno()).st_size
        if request.scope["state"]["is_head"]:
            file.close()
            return Response(b"", media_type=BYTES, headers={"Content-Length": str(size)})
        return Download(file, size)

    return [upload_file, get_file]


def _number(text: str, otherwise: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
        raise InvalidInput(otherwise)
    return int(text)
