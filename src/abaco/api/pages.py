"""What is not an actor's: health, the OpenAPI document and its browsable page."""

from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
from anyio import to_thread
from litestar import MediaType, Response, get
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath

from abaco.api.documents import openapi_document
from abaco.errors import NotFound, Unavailable

__all__ = ["page_routes"]

_ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Abaco API</title>
<link rel="icon" href="/docs/favicon-32x32.png"><link rel="stylesheet" href="/docs/swagger-ui.css"></head>
<body><div id="ui"></div><script src="/docs/swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({url: "/openapi.json", dom_id: "#ui", deepLinking: true, validatorUrl: null});</script>
</body></html>
"""


def page_routes(is_healthy: Callable[[], bool], documented: Sequence[BaseRouteHandler]) -> list[BaseRouteHandler]:
    """Pages of a server whose API is `documented`."""

    @cache
    def document() -> bytes:
        return msgspec.json.encode(openapi_document(documented))

    @get("/healthz", include_in_schema=False)
    async def healthz() -> Any:
        """200 once messages are taken and an engine works on them."""
        if not await to_thread.run_sync(is_healthy):
            raise Unavailable("The API answers, but no engine is running.")
        return Response({"status": "ok"})

    @get("/openapi.json", include_in_schema=False)
    async def openapi() -> Any:
        return Response(await to_thread.run_sync(document), media_type=MediaType.JSON)

    @get("/docs", include_in_schema=False)
    async def docs() -> Any:
        return Response(_PAGE, media_type=MediaType.HTML)

    @get("/docs/{name:str}", include_in_schema=False)
    async def asset(name: FromPath[str]) -> Any:
        if name not in _ASSETS:
            raise NotFound("There is no such page.")
        data = await to_thread.run_sync((files("swagger_ui") / "static" / name).read_bytes)
        return Response(data, media_type=_ASSETS[name], headers={"Cache-Control": "public, max-age=86400"})

    return [healthz, openapi, docs, asset]
