"""The part of ``agavepy.agave`` that actors use: ``Agave(...).actors``, with agavepy's names of operations."""

from __future__ import annotations

import json
from functools import partial
from urllib.parse import quote, urlencode

from abaco.actors import AbacoRequestError, Client
from agavepy.attributes import AttrDict, wrapped

TYPE_CHECKING = False  # as typing's, without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["Agave", "AgaveError", "AttrDict", "Response"]

_ACTOR = "/actors/v2/{actorId}"
_EXECUTION = _ACTOR + "/executions/{executionId}"
_OPERATIONS = {
    "list": ("GET", "/actors/v2"),
    "add": ("POST", "/actors/v2"),
    "get": ("GET", _ACTOR),
    "update": ("PUT", _ACTOR),
    "delete": ("DELETE", _ACTOR),
    "getMessages": ("GET", _ACTOR + "/messages"),
    "deleteMessages": ("DELETE", _ACTOR + "/messages"),
    "sendMessage": ("POST", _ACTOR + "/messages"),
    "sendBinaryMessage": ("POST", _ACTOR + "/messages"),
    "getState": ("GET", _ACTOR + "/state"),
    "updateState": ("POST", _ACTOR + "/state"),
    "getPermissions": ("GET", _ACTOR + "/permissions"),
    "updatePermissions": ("POST", _ACTOR + "/permissions"),
    "listWorkers": ("GET", _ACTOR + "/workers"),
    "addWorker": ("POST", _ACTOR + "/workers"),
    "getWorker": ("GET", _ACTOR + "/workers/{workerId}"),
    "deleteWorker": ("DELETE", _ACTOR + "/workers/{workerId}"),
    "listNonces": ("GET", _ACTOR + "/nonces"),
    "addNonce": ("POST", _ACTOR + "/nonces"),
    "getNonce": ("GET", _ACTOR + "/nonces/{nonceId}"),
    "deleteNonce": ("DELETE", _ACTOR + "/nonces/{nonceId}"),
    "listAliases": ("GET", "/actors/v2/aliases"),
    "addAlias": ("POST", "/actors/v2/aliases"),
    "getAlias": ("GET", "/actors/v2/aliases/{alias}"),
    "deleteAlias": ("DELETE", "/actors/v2/aliases/{alias}"),
    "listExecutions": ("GET", _ACTOR + "/executions"),
    "getExecution": ("GET", _EXECUTION),
    "getExecutionLogs": ("GET", _EXECUTION + "/logs"),
    "getOneExecutionResult": ("GET", _EXECUTION + "/results"),
    "getSearch": ("GET", "/actors/v2/search/{searchType}"),
}
_BINARY = "application/octet-stream"


class AgaveError(Exception):
    """What goes wrong before a request is sent."""


class Response:
    """What ``getOneExecutionResult`` returns: `content` is the result's bytes, empty if there is none."""

    def __init__(self, status_code: int, content: bytes) -> None:
        self.status_code = status_code
        self.content = content
        self.ok = True

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")


class Agave:
    """A client of the API at `api_server` (http or https, any port), by access `token` or by nonces.

    Certificates are verified whatever `verify` says. Passwords and OAuth clients need the real agavepy: an actor has
    its execution's token.
    """

    def __init__(
        self, api_server: str, token: str | None = None, use_nonce: bool = False, verify: bool = True, **others: Any
    ) -> None:
        if not token and not use_nonce:
            raise AgaveError(
                "Give token= (get_client() does) or use_nonce=True: this agavepy is the drop-in of Abaco's images. "
                "For passwords and OAuth clients install the package agavepy in your image.",
            )
        self.api_server = api_server
        self.token = token
        self.verify = verify
        self.username = others.get("username")
        self.actors = Actors(Client(api_server, token or ""))


class Actors:
    """One callable for each operation, with agavepy's keyword arguments.

    ``actorId``, ``executionId``, ... fill the path; ``body`` (or ``message`` of a binary one) is sent; ``environment``,
    ``query`` and ``search`` (dictionaries), ``nonce``, ``limit`` and ``offset`` go into the query string; ``headers``.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in _OPERATIONS:
            raise AttributeError(f"'actors' has no operation {name!r}; it has: {', '.join(_OPERATIONS)}.")
        return partial(self._call, name)

    def __dir__(self) -> list[str]:
        return list(_OPERATIONS)

    def _call(self, name: str, **given: Any) -> Any:
        method, template = _OPERATIONS[name]
        path = _filled(name, template, given)
        query = _query(given)
        body = given.pop("message", None) if name == "sendBinaryMessage" else given.pop("body", None)
        headers = dict(given.pop("headers", None) or {})
        if given:
            raise TypeError(f"{name!r} does not have parameters {sorted(given)}")
        if query:
            path += "?" + urlencode(query)
        data = None if method in {"GET", "DELETE"} else _encoded(body, headers)
        if name == "getOneExecutionResult":
            # Whatever the actor sent, also if it looks like an answer of the API.
            status, content = self._client.exchange(method, path, headers=headers)
            if 200 <= status < 300:
                return Response(status, content)
            raise AbacoRequestError(status, _message_of(content))
        # The same state twice is the same state.
        idempotent = True if name == "updateState" else None
        return wrapped(self._client.request(method, path, data=data, headers=headers, idempotent=idempotent))


def _filled(name: str, template: str, given: dict[str, Any]) -> str:
    parts = []
    for part in template.split("/"):
        if part.startswith("{"):
            key = part[1:-1]
            if given.get(key) is None:
                raise TypeError(f"Missing required parameter {key!r} for {name!r}")
            parts.append(quote(str(given.pop(key)), safe=""))
        else:
            parts.append(part)
    return "/".join(parts)


def _query(given: dict[str, Any]) -> dict[str, Any]:
    query: dict[str, Any] = {}
    for key in ("query", "environment", "search"):
        query.update(given.pop(key, None) or {})
    for key in ("limit", "offset"):
        value = given.pop(key, None)
        if value is not None:
            query[key] = value
    nonce = given.pop("nonce", None)
    if nonce:
        query["x-nonce"] = nonce
    return query


def _encoded(body: Any, headers: dict[str, str]) -> bytes:
    """The body as bytes, its type in `headers`: JSON if it can be, else bytes, else (as agavepy does) a form."""
    if isinstance(body, (bytes, bytearray, memoryview)):
        return _typed(bytes(body), _BINARY, headers)
    if isinstance(body, str) and _is_json(body):
        return _typed(body.encode(), "application/json", headers, certain=True)
    try:
        data = json.dumps({} if body is None else body, allow_nan=False).encode()
    except TypeError:
        return _typed(urlencode(body).encode(), _BINARY, headers)
    return _typed(data, "application/json", headers, certain=True)


def _typed(data: bytes, content_type: str, headers: dict[str, str], *, certain: bool = False) -> bytes:
    named = [name for name in headers if name.lower() == "content-type"]
    if certain or not named:
        for name in named:
            del headers[name]
        headers["Content-Type"] = content_type
    return data


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _message_of(content: bytes) -> str:
    try:
        return str(json.loads(content)["message"])
    except (ValueError, KeyError, TypeError):
        return content[:500].decode("utf-8", "replace")
