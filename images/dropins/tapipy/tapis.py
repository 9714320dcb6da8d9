"""The part of ``tapipy.tapis`` that actors use: ``Tapis(...).actors``, with tapipy's names of operations."""

from __future__ import annotations

import json
import re
from functools import partial
from urllib.parse import quote, urlencode

from abaco.actors import Client
from tapipy.errors import BaseTapyException, error_for

TYPE_CHECKING = False  # as typing's, without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["Tapis", "TapisResult"]

_ACTOR = "/v3/actors/{actor_id}"
_EXECUTION = _ACTOR + "/executions/{execution_id}"
_ALIAS = "/v3/actors/aliases/{alias}"
_OPERATIONS = {
    "list_actors": ("GET", "/v3/actors"),
    "create_actor": ("POST", "/v3/actors"),
    "get_actor": ("GET", _ACTOR),
    "update_actor": ("PUT", _ACTOR),
    "delete_actor": ("DELETE", _ACTOR),
    "get_messages": ("GET", _ACTOR + "/messages"),
    "delete_pending_messages": ("DELETE", _ACTOR + "/messages"),
    "send_message": ("POST", _ACTOR + "/messages"),
    "send_json_message": ("POST", _ACTOR + "/messages"),
    "send_binary_message": ("POST", _ACTOR + "/messages"),
    "list_executions": ("GET", _ACTOR + "/executions"),
    "get_execution": ("GET", _EXECUTION),
    "get_execution_logs": ("GET", _EXECUTION + "/logs"),
    "get_execution_result": ("GET", _EXECUTION + "/results"),
    "list_nonces": ("GET", _ACTOR + "/nonces"),
    "create_nonce": ("POST", _ACTOR + "/nonces"),
    "get_nonce": ("GET", _ACTOR + "/nonces/{nonce_id}"),
    "delete_nonce": ("DELETE", _ACTOR + "/nonces/{nonce_id}"),
    "get_state": ("GET", _ACTOR + "/state"),
    "update_state": ("POST", _ACTOR + "/state"),
    "list_permissions": ("GET", _ACTOR + "/permissions"),
    "update_permissions": ("POST", _ACTOR + "/permissions"),
    "list_workers": ("GET", _ACTOR + "/workers"),
    "manage_worker_pool_size": ("POST", _ACTOR + "/workers"),
    "list_aliases": ("GET", "/v3/actors/aliases"),
    "create_alias": ("POST", "/v3/actors/aliases"),
    "get_alias": ("GET", _ALIAS),
    "update_actor_alias": ("PUT", _ALIAS),
    "delete_alias": ("DELETE", _ALIAS),
    "search_database": ("GET", "/v3/actors/search/{search_type}"),
}
_QUERIES = frozenset({"limit", "skip", "search"})
_BINARY = {"Content-Type": "application/octet-stream"}


class TapisResult:
    """A result whose fields are attributes: ``result.execution_id``."""

    def __init__(self, /, **fields: Any) -> None:
        self.__dict__.update({name: _wrapped(value) for name, value in fields.items()})

    def get(self, name: str, default: Any = None) -> Any:
        return self.__dict__.get(name, default)

    def __repr__(self) -> str:
        return "\n".join(f"{name}: {value!r}" for name, value in self.__dict__.items())


def _wrapped(value: Any) -> Any:
    if isinstance(value, dict):
        return TapisResult(**{str(name): item for name, item in value.items()})
    if isinstance(value, list):
        return [_wrapped(item) for item in value]
    return value


class Tapis:
    """A client of the API at `base_url` (http or https, any port) by an access token.

    Passwords need the real tapipy: an actor has its execution's token.
    """

    def __init__(self, base_url: str | None = None, access_token: str | None = None, **others: Any) -> None:
        if not base_url or not access_token:
            raise BaseTapyException(
                "Give base_url= and access_token= (get_client() does): this tapipy is the drop-in of Abaco's images. "
                "For passwords install the package tapipy in your image.",
            )
        self.base_url = base_url
        self.access_token = access_token
        self.username = others.get("username")
        self.tenant_id = others.get("tenant_id")
        self.actors = Actors(Client(base_url, access_token))


class Actors:
    """One callable for each operation, with tapipy's keyword arguments; its older names (``sendMessage``) work too.

    ``actor_id``, ``execution_id``, ... fill the path; ``request_body`` (or `body`) is the body, else what remains is.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Callable[..., Any]:
        known = re.sub("([A-Z])", lambda found: "_" + found[1].lower(), name)
        if known not in _OPERATIONS:
            raise AttributeError(f"'actors' has no operation {name!r}; it has: {', '.join(_OPERATIONS)}.")
        return partial(self._call, known)

    def __dir__(self) -> list[str]:
        return list(_OPERATIONS)

    def _call(self, name: str, **given: Any) -> Any:
        method, template = _OPERATIONS[name]
        path = _filled(template, given)
        headers = {**(given.pop("headers", None) or {}), **(given.pop("_tapis_headers", None) or {})}
        query = given.pop("_tapis_query_parameters", None) or {}
        if method == "GET":
            query = {**query, **{key: given.pop(key) for key in _QUERIES & set(given)}}
        if query:
            path += "?" + urlencode(query)
        body = _body(given)
        binary = isinstance(body, bytes)
        status, content = self._client.exchange(
            method,
            path,
            json=None if binary else body,
            data=body if binary else None,
            headers={**headers, **_BINARY} if binary else headers,
            idempotent=True if name == "update_state" else None,
        )
        if name == "get_execution_result" and 200 <= status < 300:
            return content
        return _result(status, content)


def _filled(template: str, given: dict[str, Any]) -> str:
    parts = []
    for part in template.split("/"):
        if part.startswith("{"):
            key = part[1:-1]
            if not given.get(key):
                raise BaseTapyException(f"{key} is a required argument.")
            parts.append(quote(str(given.pop(key)), safe=""))
        else:
            parts.append(part)
    return "/".join(parts)


def _body(given: dict[str, Any]) -> Any:
    for key in ("request_body", "body"):
        if key in given:
            return given[key]
    if isinstance(given.get("message"), (bytes, bytearray)):
        return bytes(given["message"])
    return given


def _result(status: int, content: bytes) -> Any:
    try:
        envelope = json.loads(content)
    except ValueError:
        envelope = {"message": content[:500].decode("utf-8", "replace"), "result": content}
    if not 200 <= status < 300:
        raise error_for(status, str(envelope.get("message")))
    return _wrapped(envelope.get("result"))
