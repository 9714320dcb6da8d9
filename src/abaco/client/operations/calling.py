"""What all operations have in common: their options, their bodies, and what becomes of the answer."""

from collections.abc import Mapping
from typing import Any, BinaryIO, TypedDict

import httpx

from abaco.client.answer import body_of, object_of, result_of
from abaco.client.connection import Connection, json_bytes
from abaco.client.messages import binary_content
from abaco.client.reply import Raw, Replies, Reply, reply_of
from abaco.client.sending import checked_environment
from abaco.client.sign_in import Nonce
from abaco.errors import InternalError

__all__ = ["NOTHING", "Listing", "More", "Operations", "sending"]

NOTHING: Any = object()
"""Instead of a body, which may be None."""


class More(TypedDict, total=False):
    """Arguments of every operation: headers and query parameters to send along, a nonce to show instead of a token."""

    headers: Mapping[str, str]
    query: Mapping[str, Any]
    nonce: str


class Listing(More, total=False):
    """Arguments of what lists: with any of them it is a search, whose answer holds ``search`` and ``_metadata``.

    `search` are words to be found, or a dictionary of conditions: ``{"status.in": '["READY"]', "limit": 5}``.
    """

    search: str | Mapping[str, Any]
    exactsearch: str
    skip: int
    offset: int
    limit: int


class Operations:
    """A group of operations; `auth` is how they show who asks, if not as all other requests do."""

    def __init__(self, connection: Connection, auth: httpx.Auth | None = None) -> None:
        self._connection = connection
        self._auth = auth

    def _send(self, method: str, where: str, more: Mapping[str, Any], body: Any, repeat: bool) -> httpx.Response:
        params, headers = _query(more), dict(more.get("headers", {}))
        content = None
        if body is not NOTHING:
            content, described = _content(body)
            headers = described | {name.title(): value for name, value in headers.items()}
        auth = Nonce(more["nonce"]) if "nonce" in more else self._auth
        return self._connection.call(
            method, where, params=params, headers=headers, content=content, auth=auth, repeat=repeat
        )

    def _value(self, method: str, where: str, more: Mapping[str, Any], body: Any = NOTHING) -> Any:
        return reply_of(result_of(self._send(method, where, more, body, repeat=method == "GET")))

    def _reply(self, method: str, where: str, more: Mapping[str, Any], body: Any = NOTHING) -> Reply:
        value = self._value(method, where, more, body)
        if not isinstance(value, Reply):
            raise InternalError("The server's answer is no object: is it an Abaco server of this version?")
        return value

    def _replies(self, method: str, where: str, more: Mapping[str, Any], body: Any = NOTHING) -> Replies:
        value = self._value(method, where, more, body)
        if not isinstance(value, list):
            raise InternalError("The server's answer is no list: is it an Abaco server of this version?")
        return value

    def _done(self, method: str, where: str, more: Mapping[str, Any], body: Any = NOTHING) -> None:
        self._value(method, where, more, body)

    def _bare(self, method: str, where: str, more: Mapping[str, Any], body: Any = NOTHING) -> Reply:
        """An answer that is a JSON object without an envelope around it."""
        return Reply(object_of(self._send(method, where, more, body, repeat=False)))

    def _raw(self, method: str, where: str, more: Mapping[str, Any]) -> Raw:
        """An answer that is bytes, and is gone once it has been read."""
        return Raw(body_of(self._send(method, where, more, NOTHING, repeat=False)))


def sending(more: More, environment: Mapping[str, Any] | None) -> dict[str, Any]:
    """`more` with the variables of one execution. Raises InvalidInput for names that the server takes for itself."""
    return {**more, "query": {**checked_environment(environment or {}), **more.get("query", {})}}


def _query(more: Mapping[str, Any]) -> dict[str, Any]:
    unknown = more.keys() - Listing.__annotations__.keys()
    if unknown:
        raise TypeError(f"there is no argument {', '.join(sorted(unknown))}")
    query = {name: value for name, value in more.items() if name not in More.__annotations__ and value is not None}
    if isinstance(query.get("search"), Mapping):
        query |= query.pop("search")
    return query | dict(more.get("query", {}))


def _content(body: Any) -> tuple[Any, dict[str, str]]:
    """What to send, and the headers that describe it.

    Text goes as it is and is JSON already, as with the old clients. ``{"binary": data}`` is how their documentation has
    binary messages.
    """
    if isinstance(body, Mapping) and len(body) == 1 and _is_binary(body.get("binary")):
        body = body["binary"]
    if _is_binary(body):
        return binary_content(bytes(body) if isinstance(body, bytearray | memoryview) else body)
    data = body.encode() if isinstance(body, str) else json_bytes(body)
    return data, {"Content-Type": "application/json"}


def _is_binary(value: bytes | BinaryIO | Any) -> bool:
    return isinstance(value, bytes | bytearray | memoryview) or hasattr(value, "read")
