"""Parameters of a request, whether they come as JSON, form or query string, in either spelling."""

import re
from asyncio import CancelledError, current_task, get_running_loop
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from litestar import Request
from litestar.exceptions import HTTPException

from abaco.api.surface import Surface, camel
from abaco.errors import InvalidInput, TooLarge

__all__ = [
    "MAX_BODY_BYTES",
    "Params",
    "announced_size",
    "body_pieces",
    "decode_json",
    "media_type_of",
    "query_pairs",
    "query_value",
    "read_body",
    "read_params",
    "surface_of",
]

MAX_BODY_BYTES = 8 * 1024**2
"""Of anything but binary messages; no field may be nearly as large."""
_SILENCE_SECONDS = 60.0
"""As long as web servers wait: somebody who sends nothing keeps no connection and no file open."""
_MAX_DEPTH = 100
_MAX_INTEGER = 2**53
_DIGITS = re.compile(r"[+-]?[0-9]+")
_TRUE, _FALSE = {"true", "1"}, {"false", "0"}


def surface_of(request: Request[Any, Any, Any]) -> Surface:
    surface: Surface = request.scope["state"]["surface"]
    return surface


def media_type_of(request: Request[Any, Any, Any]) -> str:
    """Of the body, without parameters, or "". As `request.content_type`, which decodes and copies all headers first."""
    return _header(request, b"content-type").partition(b";")[0].decode("latin-1").strip().lower()


def decode_json(body: bytes) -> Any:
    """The JSON value of `body`; raises InvalidInput for anything that is not JSON or nested beyond reason."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidInput(f"The body is not valid JSON: {error}.") from None
    except RecursionError:
        raise InvalidInput(f"The JSON is nested more than {_MAX_DEPTH} levels deep.") from None
    if body.count(b"[") + body.count(b"{") > _MAX_DEPTH and _depth(value) > _MAX_DEPTH:
        raise InvalidInput(f"The JSON is nested more than {_MAX_DEPTH} levels deep.")
    return value


def _depth(value: Any) -> int:
    level, depth = [value], 0
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        level = [child for item in level for child in (item.values() if isinstance(item, dict) else item)]
    return depth


def _pairs(text: bytes, what: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text.decode(), keep_blank_values=True, errors="strict", max_num_fields=1000)
    except UnicodeDecodeError:
        raise InvalidInput(f"The {what} is not valid UTF-8.") from None
    except ValueError:
        raise InvalidInput(f"The {what} has more than 1000 fields.") from None


def query_pairs(request: Request[Any, Any, Any]) -> list[tuple[str, str]]:
    """The query parameters, in order."""
    text = request.scope["query_string"]
    return _pairs(text, "query string") if text else []


def query_value(request: Request[Any, Any, Any], name: str) -> str:
    """The first value of a query parameter, or ""."""
    return next((value for key, value in query_pairs(request) if key == name), "")


async def body_pieces(request: Request[Any, Any, Any]) -> AsyncIterator[bytes]:
    """The body as it arrives, once; raises InvalidInput if the client goes away, or falls silent, before its end."""
    announced, received = announced_size(request), 0
    more = True
    while more:
        message = await _received(request)
        if message["type"] != "http.request":
            raise InvalidInput("The connection ended before the body did.")
        piece = message.get("body", b"")
        received += len(piece)
        # To be told once more that this was all would take as long as the piece did.
        more = message.get("more_body", False) and received != announced
        yield piece


def announced_size(request: Request[Any, Any, Any]) -> int | None:
    """Of the body, in bytes; None if the request's head does not say."""
    given = _header(request, b"content-length")
    return int(given) if given.isdigit() else None


def _header(request: Request[Any, Any, Any], name: bytes) -> bytes:
    """The first of that name, or b""."""
    return next((value for other, value in request.scope["headers"] if other == name), b"")


async def _received(request: Request[Any, Any, Any]) -> Mapping[str, Any]:
    """The next of the protocol's messages. As `asyncio.timeout` does it, which takes 8 µs of every request."""
    silent = False
    task = current_task()

    def give_up() -> None:
        nonlocal silent
        silent = True
        if task is not None:
            task.cancel()

    timer = get_running_loop().call_later(_SILENCE_SECONDS, give_up)
    try:
        message: Mapping[str, Any] = await request.receive()
    except CancelledError:
        if task is None or not silent or task.uncancel():
            raise
        raise InvalidInput(f"Nothing more of the body came for {_SILENCE_SECONDS:g} seconds.") from None
    finally:
        timer.cancel()
    return message


async def read_body(request: Request[Any, Any, Any], limit: int = MAX_BODY_BYTES) -> bytes:
    """The whole body; raises TooLarge before it fills the memory."""
    pieces: list[bytes] = []
    size = 0
    async for piece in body_pieces(request):
        size += len(piece)
        if size > limit:
            raise TooLarge(f"The body is larger than {limit} bytes.")
        pieces.append(piece)
    return b"".join(pieces)


async def read_params(request: Request[Any, Any, Any]) -> "Params":
    """All parameters of a request whose body is JSON, a form, or nothing of interest."""
    body = await read_body(request)
    kind = media_type_of(request)
    given: Mapping[str, Any] = {}
    form: list[tuple[str, str]] = []
    if kind == "application/json" and body.strip():
        given = decode_json(body)
        if not isinstance(given, dict):
            raise InvalidInput("The body must be a JSON object of parameters.")
    elif kind == "application/x-www-form-urlencoded":
        form = _pairs(body, "form")
    elif kind == "multipart/form-data":
        form = await _multipart(request, body)
    return Params(surface_of(request), given, [*query_pairs(request), *form])


async def _multipart(request: Request[Any, Any, Any], body: bytes) -> list[tuple[str, str]]:
    request._body = body  # noqa: SLF001 - the stream is read; let the parser find it
    try:
        form = await request.form()
    except HTTPException as error:
        raise InvalidInput(f"The form cannot be read: {error.detail}") from None
    except (ValueError, LookupError) as error:  # bytes that are not text, or a charset there is not
        raise InvalidInput(f"The form cannot be read: {error}.") from None
    await form.close()
    pairs = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    try:
        # A part may name a charset whose decoder makes lone surrogates, which nothing behind us can encode.
        "".join(name + value for name, value in pairs).encode()
    except UnicodeEncodeError:
        raise InvalidInput("The form holds text that is not Unicode.") from None
    return pairs


def _integer(value: Any) -> int:
    """Raises ValueError or OverflowError."""
    if isinstance(value, str) and _DIGITS.fullmatch(value.strip()) is None:
        raise ValueError
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError  # noqa: TRY004 - one error for every way of being wrong
    return int(value)


class Params:
    """Look-ups by snake_case name. Errors name the field as the caller must spell it.

    A value of the JSON body wins over the query string, which wins over the form; the surface's own spelling
    wins over the other; JSON null is "not supplied".
    """

    def __init__(self, surface: Surface, given: Mapping[str, Any], texts: Sequence[tuple[str, str]]) -> None:
        self._surface = surface
        self._given = given
        self._texts: dict[str, list[str]] = {}
        for name, value in texts:
            self._texts.setdefault(name, []).append(value)

    def raw(self, name: str) -> Any:
        """The value as it came, or None."""
        value = self._of_json(name)
        return value if value is not None else next(iter(self._of_texts(name)), None)

    def _spellings(self, name: str) -> tuple[str, str]:
        return (name, camel(name)) if self._surface.case == "snake" else (camel(name), name)

    def _of_json(self, name: str) -> Any:
        values = (self._given.get(spelling) for spelling in self._spellings(name))
        return next((value for value in values if value is not None), None)

    def _of_texts(self, name: str) -> list[str]:
        return next((self._texts[spelling] for spelling in self._spellings(name) if spelling in self._texts), [])

    def text(self, name: str) -> str | None:
        """Anything, as Python's ``str`` has it."""
        value = self.raw(name)
        if value is None:
            return None
        text = str(value)
        if "\0" in text:
            raise self._wrong(name, "may not contain a NUL character")
        return text

    def integer(self, name: str) -> int | None:
        """An integer, a string of digits, or a float, which is truncated."""
        value = self.raw(name)
        if value is None:
            return None
        try:
            number = _integer(value)
        except (ValueError, OverflowError):
            raise self._wrong(name, "must be an integer") from None
        if abs(number) > _MAX_INTEGER:
            raise self._wrong(name, "is out of range")
        return number

    def boolean(self, name: str) -> bool | None:
        """``true``, ``false``, 1 or 0, also as text in any case."""
        value = self.raw(name)
        if value is None or isinstance(value, bool):
            return value
        text = str(value).lower()
        if text in _TRUE:
            return True
        if text in _FALSE:
            return False
        raise self._wrong(name, "must be true or false")

    def mapping(self, name: str) -> dict[str, Any] | None:
        value = self.raw(name)
        if value is not None and not isinstance(value, dict):
            raise self._wrong(name, "must be a JSON object; send the request as application/json")
        return value

    def texts(self, name: str) -> list[str]:
        """A JSON list, a single value, or all values of a repeated field."""
        value = self._of_json(name)
        if value is None:
            return self._of_texts(name)
        return [str(item) for item in value] if isinstance(value, list) else [str(value)]

    def _wrong(self, name: str, problem: str) -> InvalidInput:
        return InvalidInput(f"Invalid parameters: {{'{self._surface.spell(name)}': '{problem}'}}")
