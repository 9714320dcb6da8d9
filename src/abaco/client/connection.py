"""The one HTTP connection of a client: addresses, credentials, retries, and network trouble in words."""

import json
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import partial
from typing import Any
from urllib.parse import quote

import httpx

from abaco.client.answer import body_of, pieces_of, result_of, stream_of
from abaco.client.discreet import DiscreetURL
from abaco.client.events import ServerEvent, events_of
from abaco.client.polling import Clock
from abaco.errors import InternalError, InvalidInput, Unavailable

__all__ = ["CONNECT_TIMEOUT", "Connection", "checked_address", "json_bytes", "path"]

_PREFIX = "/actors/v2"
_RETRY_PAUSES = (0.1, 0.4, 1.5)
"""Seconds before each repetition of a GET; a restarting server is back within their sum."""
CONNECT_TIMEOUT = 5.0
# A GET changes nothing, so it may be sent again even when it is unknown whether the server got it.
_RETRIED = (httpx.NetworkError, httpx.RemoteProtocolError)
_RETRIED_WHEN_POPPING = (httpx.ConnectError,)
_KEYS_ARE_TAKEN = "Idempotency-Key-Supported"
_NO_BODY = object()
_SIGN_OF_LIFE_TIMEOUT = 40.0
"""The server gives one every 15 seconds."""


class Connection:
    """Sends requests to ``{base}/actors/v2`` and hands back what they result in, or raises."""

    def __init__(
        self,
        base: str,
        auth: httpx.Auth,
        *,
        headers: Mapping[str, str],
        transport: httpx.BaseTransport | None,
        timeout: float,
        clock: Clock,
    ) -> None:
        self._base = base
        self._auth = auth
        self._clock = clock
        self._keys_are_taken = False
        self._stream_timeout = httpx.Timeout(max(timeout, _SIGN_OF_LIFE_TIMEOUT), connect=CONNECT_TIMEOUT)
        self._http = httpx.Client(
            headers={"Accept": "application/json, */*", **headers},
            timeout=httpx.Timeout(timeout, connect=min(timeout, CONNECT_TIMEOUT)),
            transport=transport,
            # Loading the certificate authorities takes longer than a request; without TLS nobody needs them.
            verify=self._base.startswith("https:"),
        )

    def close(self) -> None:
        self._http.close()

    def get(self, path: str) -> Any:
        return result_of(self._send(self._request("GET", path), _RETRIED))

    def pop(self, path: str) -> bytes:
        """The raw body of a GET that removes what it returns: repeated only if it cannot have been received."""
        return body_of(self._send(self._request("GET", path), _RETRIED_WHEN_POPPING))

    def events(
        self,
        path: str,
        params: Mapping[str, str],
        after: str,
        on_open: Callable[[Callable[[], None]], None] = lambda _: None,
    ) -> Iterator[ServerEvent]:
        """What a stream says after the event named so ("": from the beginning), until it ends or breaks.

        `on_open` gets what another thread may call to break it. Raises Unavailable if it cannot be had, or breaks.
        """
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": after} if after else {})
        request = self._build("GET", path, params=params, headers=headers, timeout=self._stream_timeout)
        with self._opened(request) as response:
            on_open(partial(_hang_up, response))
            yield from events_of(stream_of(response))

    def pieces(self, path: str) -> Iterator[bytes]:
        """The raw body of an answer as it comes. Raises Unavailable if it cannot be had, or breaks."""
        with self._opened(self._build("GET", path, headers={"Accept-Encoding": "identity"})) as response:
            yield from pieces_of(response)

    @contextmanager
    def _opened(self, request: httpx.Request) -> Iterator[httpx.Response]:
        try:
            with closing(self._http.send(request, auth=self._auth, stream=True)) as response:
                yield response
        except httpx.TransportError as error:
            raise Unavailable(self._trouble(request, error)) from error

    def post(self, path: str, body: Any) -> Any:
        return result_of(self._send(self._request("POST", path, body)))

    def delete(self, path: str) -> Any:
        return result_of(self._send(self._request("DELETE", path)))

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any],
        headers: Mapping[str, str],
        content: bytes | Iterable[bytes] | None,
        auth: httpx.Auth | None = None,
        repeat: bool = False,
        timeout: httpx.Timeout | None = None,
    ) -> httpx.Response:
        """The answer, whatever it is, to a request for `path` from the server's root.

        `auth` is how it shows who asks, None as all others; with `repeat` it is sent again after network trouble;
        `timeout` is what it may take, None as much as others.
        """
        waiting = timeout or self._http.timeout
        request = self._build(method, path, "", params=params, headers=headers, content=content, timeout=waiting)
        return self._send(request, _RETRIED if repeat else (), auth)

    def post_keyed(
        self,
        path: str,
        *,
        params: Mapping[str, Any],
        headers: Mapping[str, str],
        content: bytes,
        timeout: httpx.Timeout | None = None,
    ) -> httpx.Response:
        """The answer to a POST that has an Idempotency-Key among `headers`, whatever it is; as `call`.

        It is sent again after network trouble; but not to a server that may have got it and knows no keys.
        """
        waiting = timeout or self._http.timeout
        request = self._build("POST", path, "", params=params, headers=headers, content=content, timeout=waiting)
        lost: Unavailable | None = None
        for pause in _RETRY_PAUSES:
            try:
                return self._post_again(request, path, lost)
            except Unavailable as error:
                if error is lost or not isinstance(error.__cause__, _RETRIED):
                    raise
                # From then on the server may have got it.
                lost = lost or (None if isinstance(error.__cause__, httpx.ConnectError) else error)
            self._clock.sleep(pause)
        return self._post_again(request, path, lost)

    def _post_again(self, request: httpx.Request, path: str, lost: Unavailable | None) -> httpx.Response:
        """The answer; raises `lost` if the server, which may have got the request then, does not know keys."""
        if lost is not None and not self._takes_keys(path):
            raise lost
        answer = self._send_once(request, self._auth)
        self._keys_are_taken |= _KEYS_ARE_TAKEN in answer.headers
        return answer

    def _takes_keys(self, path: str) -> bool:
        """Whether the server knows what keys of messages are for. Raises Unavailable if it cannot be asked."""
        if not self._keys_are_taken:
            answer = self._send_once(self._build("OPTIONS", path, ""), self._auth)
            self._keys_are_taken = _KEYS_ARE_TAKEN in answer.headers
        return self._keys_are_taken

    def _request(self, method: str, path: str, body: Any = _NO_BODY) -> httpx.Request:
        if body is _NO_BODY:
            return self._build(method, path)
        return self._build(method, path, content=json_bytes(body), headers={"Content-Type": "application/json"})

    def _build(self, method: str, path: str, root: str = _PREFIX, **parts: Any) -> httpx.Request:
        try:
            request = self._http.build_request(method, f"{self._base}{root}{path}", **parts)
        except (httpx.InvalidURL, UnicodeEncodeError) as error:
            raise InvalidInput(f"{path!r} or its parameters cannot be sent in a URL: {error}.") from error
        request.url = DiscreetURL(request.url)
        return request

    def _send(
        self,
        request: httpx.Request,
        retried: tuple[type[Exception], ...] = (),
        auth: httpx.Auth | None = None,
    ) -> httpx.Response:
        signing = auth or self._auth
        for pause in _RETRY_PAUSES:
            try:
                return self._send_once(request, signing)
            except Unavailable as error:
                if not isinstance(error.__cause__, retried):
                    raise
            self._clock.sleep(pause)
        return self._send_once(request, signing)

    def _send_once(self, request: httpx.Request, auth: httpx.Auth) -> httpx.Response:
        try:
            return self._http.send(request, auth=auth)
        except httpx.TransportError as error:
            raise Unavailable(self._trouble(request, error)) from error
        except httpx.HTTPError as error:
            raise InternalError(f"The answer of {self._base} cannot be read: {error}.") from error

    def _trouble(self, request: httpx.Request, error: httpx.TransportError) -> str:
        reason = str(error) or type(error).__name__
        text = f"{self._base} did not answer ({reason}): check the address, and that the server is running there."
        if request.method == "GET" or isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            return text
        return f"{text} The request may have been carried out all the same."


def _hang_up(response: httpx.Response) -> None:
    """Shut the connection down: to close it would not wake the thread that reads from it."""
    stream = response.extensions.get("network_stream")
    connection = stream.get_extra_info("socket") if stream is not None else None
    if connection is not None:
        with suppress(OSError):  # it is down already
            connection.shutdown(socket.SHUT_RDWR)


def path(*parts: str) -> str:
    """The URL path of `parts`, each quoted whole. Raises InvalidInput for a part no URL can hold."""
    if not all(parts):
        # An empty id would silently address the collection instead of one of its members.
        raise InvalidInput("an empty text is not the id of anything: give an id.")
    try:
        return "".join(f"/{quote(part, safe='')}" for part in parts)
    except UnicodeEncodeError as error:
        raise InvalidInput(f"{'/'.join(parts)!r} is not valid Unicode and names nothing.") from error


def checked_address(api_server: str) -> str:
    """The base URL without a closing slash. Raises InvalidInput for what is no URL."""
    base = api_server.strip().rstrip("/")
    try:
        url = httpx.URL(base)
    except httpx.InvalidURL as error:
        raise InvalidInput(f"{api_server!r} is not the URL of a server: {error}.") from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise InvalidInput(f"{api_server!r} is not the URL of a server: write it like http://localhost:8000.")
    if url.userinfo:
        # It would be shown wherever the address is.
        raise InvalidInput("name and password are no part of the server's URL: give username= and password=.")
    return base


def json_bytes(value: Any) -> bytes:
    """`value` as JSON. Raises InvalidInput if it is none."""
    try:
        return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"this value cannot be sent as JSON: {error}.") from error
