"""The outermost layer, plain ASGI: one spelling of each URL, CORS on everything, HEAD as GET, every answer counted."""

import re
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from time import perf_counter
from typing import Any

from abaco.api.surface import CANONICAL_ROOT, Surface
from abaco.api.wire import EXECUTION_HEADER, KEY_SUPPORT_HEADER
from abaco.errors import ERROR_CODE_HEADER

__all__ = ["App", "Edge"]

Scope = MutableMapping[str, Any]
Message = Mapping[str, Any]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]
"""An ASGI application; the protocol's own messages are plain dictionaries."""
Observe = Callable[[str, int, float], None]
"""Told the operation, the HTTP status and the seconds of each answer."""

_SLASHES = re.compile(r"/{2,}")
_CORS_METHODS = b"DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
_EXPOSED = f"{ERROR_CODE_HEADER}, {EXECUTION_HEADER}, {KEY_SUPPORT_HEADER}".encode()
_TAKES_KEYS = [(KEY_SUPPORT_HEADER.lower().encode(), b"true")]


class Edge:
    """Wraps the application. ``scope["state"]`` gets the surface a request came in by, the path it asked for, and
    whether everybody is let in.
    """

    def __init__(
        self,
        app: App,
        faces: tuple[Surface, ...],
        observe: Observe,
        *,
        open_to_all: bool = False,
        proxies: Collection[str] = (),
    ) -> None:
        self._app = app
        self._observe = observe
        self._open = open_to_all
        self._proxies = proxies
        self._faces = faces

    async def __call__(self, scope: Scope, receive: object, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, method = perf_counter(), scope["method"]
        self._route(scope)
        if self._proxies:
            scope["client"] = _served(scope, self._proxies)
        if method == "HEAD":
            scope["method"] = "GET"

        def answered(status: int) -> None:
            self._observe(_operation(scope), status, perf_counter() - begun)

        await self._app(scope, receive, _answering(scope, method, send, answered))

    def _route(self, scope: Scope) -> None:
        asked = path = _SLASHES.sub("/", _text(scope["path"])).rstrip("/") or "/"
        surface = self._faces[0]
        for face in self._faces:
            if path == face.root or path.startswith(face.root + "/"):
                surface = face
                path = CANONICAL_ROOT + path[len(face.root) :]
                break
        scope["path"] = path
        scope["raw_path"] = path.encode()
        # A new mapping: the application's own state is shared between requests.
        own = {"surface": surface, "asked_path": asked, "open": self._open, "is_head": scope["method"] == "HEAD"}
        scope["state"] = {**(scope.get("state") or {}), **own}


def _served(scope: Scope, proxies: Collection[str]) -> Any:
    """Whom the proxy serves: the last address in its header, which it wrote itself; else the connection's other end."""
    client = scope.get("client")
    if not client or client[0] not in proxies:
        return client
    forwarded = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
    address = forwarded.rpartition(b",")[2].strip().decode("latin-1")
    return (address, 0) if address else client


def _text(path: str) -> str:
    """`path` without what no database stores, lone surrogates and NUL: nothing has a name with U+FFFD."""
    return path.encode(errors="surrogatepass").decode(errors="replace").replace("\0", "\ufffd")


def _operation(scope: Scope) -> str:
    """What the router found for the request; never anything that the client chose."""
    name = getattr(scope.get("route_handler"), "operation_id", None)
    return name if isinstance(name, str) else "other"


def _answering(scope: Scope, method: str, send: Send, answered: Callable[[int], None]) -> Send:
    """A `send` that adds the CORS headers, keeps the body of HEAD back, and tells of the answer when it begins."""
    asked: Mapping[bytes, bytes] = dict(scope["headers"])
    taking = _TAKES_KEYS if scope["path"].endswith(("/messages", "/messages/batch")) else []

    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            answered(message["status"])
            start: dict[str, Any] = dict(message)
            start["headers"] = [*message["headers"], *taking, *_cors(asked, preflight=method == "OPTIONS")]
            await send(start)
        elif message["type"] == "http.response.body" and method == "HEAD":
            if not message.get("more_body"):
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        else:
            await send(message)

    return answer


def _cors(asked: Mapping[bytes, bytes], *, preflight: bool) -> list[tuple[bytes, bytes]]:
    """The headers that let pages of any origin call the API; credentials are bearer tokens, never cookies."""
    origin = asked.get(b"origin")
    headers = [
        (b"access-control-allow-origin", origin or b"*"),
        (b"access-control-expose-headers", _EXPOSED),
    ]
    if origin:
        headers.append((b"vary", b"Origin"))
    if preflight:
        headers.append((b"access-control-allow-methods", _CORS_METHODS))
        headers.append((b"access-control-allow-headers", asked.get(b"access-control-request-headers", b"*")))
    return headers
