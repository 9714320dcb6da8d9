"""OPTIONS on every path: which methods it has. The CORS headers of a preflight are the edge's."""

from collections.abc import Sequence
from typing import Any

from litestar import HttpMethod, Response, route
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler

__all__ = ["options_routes"]


def options_routes(routes: Sequence[BaseRouteHandler]) -> list[BaseRouteHandler]:
    """One route for each path of `routes`."""
    methods: dict[str, set[str]] = {}
    for handler in routes:
        for path in handler.paths:
            methods.setdefault(path, {"OPTIONS"}).update(getattr(handler, "http_methods", ()))
    return [_options_route(path, ", ".join(sorted(_with_head(allowed)))) for path, allowed in methods.items()]


def _with_head(methods: set[str]) -> set[str]:
    return methods | {"HEAD"} if "GET" in methods else methods


def _options_route(path: str, allow: str) -> HTTPRouteHandler:
    @route(path, http_method=[HttpMethod.OPTIONS], include_in_schema=False, status_code=200)
    async def options() -> Any:
        return Response(b"", headers={"Allow": allow})

    return options
