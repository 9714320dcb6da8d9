"""What a server's answer means: its result, its raw body, or the error it stands for."""

from collections.abc import Iterator
from typing import Any

import httpx
import msgspec

from abaco.errors import ERROR_CODE_HEADER, AbacoError, InternalError, Unavailable, from_response

__all__ = ["body_of", "json_object", "object_of", "pieces_of", "result_of", "stream_of"]

_GATEWAY_STATUSES = {502, 503, 504}
"""What proxies answer while the server behind them is away."""


def result_of(response: httpx.Response) -> Any:
    """The envelope's ``result``. Raises the error the answer stands for, also if it is no envelope at all."""
    if not response.is_success:
        raise _error_of(response)
    envelope = json_object(response)
    if envelope is None or "result" not in envelope:
        raise _foreign(response)
    return envelope["result"]


def object_of(response: httpx.Response) -> dict[str, Any]:
    """The JSON object of an answer that has no envelope. Raises the error the answer stands for."""
    if not response.is_success:
        raise _error_of(response)
    found = json_object(response)
    if found is None:
        raise _foreign(response)
    return found


def body_of(response: httpx.Response) -> bytes:
    """The raw body of an answer that has no envelope. Raises the error the answer stands for."""
    if not response.is_success:
        raise _error_of(response)
    return response.content


def pieces_of(response: httpx.Response) -> Iterator[bytes]:
    """The raw body of an answer as it comes. Raises the error the answer stands for."""
    if not response.is_success:
        response.read()
        raise _error_of(response)
    return response.iter_bytes()


def stream_of(response: httpx.Response) -> Iterator[bytes]:
    """The bytes of a stream of events as they come. Raises the error the answer stands for, if it is another."""
    pieces = pieces_of(response)
    if not response.headers.get("Content-Type", "").startswith("text/event-stream"):
        raise _foreign(response)
    return pieces


def _error_of(response: httpx.Response) -> AbacoError:
    message = _message_of(json_object(response))
    if message is None:
        return _foreign(response)
    return from_response(response.headers.get(ERROR_CODE_HEADER), response.status_code, message)


def _message_of(body: dict[str, Any] | None) -> str | None:
    if body is None:
        return None
    # A refused bearer token is answered in the form of the old API gateway, which old clients recognise.
    fault = body.get("fault")
    said = (fault.get("description") or fault.get("message")) if isinstance(fault, dict) else body.get("message")
    said = said or body.get("error_description")  # OAuth's form
    return said if isinstance(said, str) else None


def json_object(response: httpx.Response) -> dict[str, Any] | None:
    """The body as a JSON object, None if it is something else."""
    try:
        return msgspec.json.decode(response.content, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _foreign(response: httpx.Response) -> AbacoError:
    kind = response.headers.get("Content-Type") or "no content type"
    text = f"{response.url} answered {response.status_code} with {kind}, not as Abaco does"
    if response.status_code in _GATEWAY_STATUSES:
        return Unavailable(f"{text}: a proxy cannot reach the server; try again later.")
    return InternalError(f"{text}: is this the address of an Abaco server?")
