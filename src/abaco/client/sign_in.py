"""How requests say who sends them: an access token that is renewed when it has expired, or a nonce."""

import math
import threading
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Protocol

import httpx
import msgspec

from abaco.client.answer import result_of
from abaco.client.discreet import NONCE_PARAMETER, DiscreetURL
from abaco.client.polling import Clock
from abaco.errors import InternalError, InvalidCredentials, NotAuthenticated

__all__ = ["NOBODY", "Bearer", "Grant", "Lacking", "Nonce", "Passwords", "TokenSource", "granted_by"]

_MARGIN_SECONDS = 60.0
"""A token this near to its end is renewed beforehand: an upload may be under way for a while."""
NOBODY = httpx.Auth()
"""Shows nothing."""


@dataclass(frozen=True, slots=True, repr=False)
class Grant:
    """A fresh access token, good for so many seconds."""

    access_token: str
    expires_in: float


class TokenSource(Protocol):
    """Where access tokens come from, again and again."""

    def request(self) -> httpx.Request:
        """What to send for one."""

    def granted(self, response: httpx.Response) -> Grant:
        """What came back. Raises the error that the answer stands for."""


class Bearer(httpx.Auth):
    """An access token in the header ``Authorization``; `source` gets the next one, and the first if `token` is None.

    `expires_in` is in seconds. Raises InvalidCredentials for a token that no header can carry.
    """

    def __init__(
        self,
        token: str | None,
        clock: Clock,
        source: TokenSource | None = None,
        expires_in: float = math.inf,
    ) -> None:
        self._token = None if token is None else _checked(token, "access token")
        self._clock = clock
        self._source = source
        self._good_until = clock.monotonic() + expires_in
        self._renewing = threading.Lock()

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        token = self._token
        if self._source is not None and (token is None or self._is_ending()):
            yield from self._renew(self._source, token)
        source = self._source if _can_be_sent_again(request) else None
        token = self._token
        response = yield self._signed(request)
        if response.status_code == httpx.codes.UNAUTHORIZED and source is not None:
            yield from self._renew(source, token)
            yield self._signed(request)

    def _is_ending(self) -> bool:
        return self._clock.monotonic() > self._good_until - _MARGIN_SECONDS

    def _renew(self, source: TokenSource, old: str | None) -> Generator[httpx.Request, httpx.Response, None]:
        """Replace the token `old`. One thread at a time: a refresh token may be good for one use only."""
        with self._renewing:
            if self._token != old:
                return  # another thread has
            response = yield source.request()
            response.read()
            grant = source.granted(response)
            self._token = _checked(grant.access_token, "access token")
            self._good_until = self._clock.monotonic() + grant.expires_in

    def _signed(self, request: httpx.Request) -> httpx.Request:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Passwords:
    """Gets tokens from the server at `base` (without a closing slash) for a user's name and password."""

    def __init__(self, base: str, username: str, password: str) -> None:
        self._url = f"{base}/v3/oauth2/tokens"
        self._body = {"grant_type": "password", "username": username, "password": password}

    def request(self) -> httpx.Request:
        return httpx.Request("POST", self._url, json=self._body)

    def granted(self, response: httpx.Response) -> Grant:
        granted = result_of(response)
        return granted_by(granted.get("access_token") if isinstance(granted, dict) else None)


class Nonce(httpx.Auth):
    """A nonce in the query. Raises InvalidCredentials for one that is none."""

    def __init__(self, nonce: str) -> None:
        self._nonce = _checked(nonce, "nonce")

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.url = DiscreetURL(request.url.copy_merge_params({NONCE_PARAMETER: self._nonce}))
        yield request


class Lacking(httpx.Auth):
    """Raises NotAuthenticated, saying what is missing, instead of sending a request."""

    def __init__(self, missing: str) -> None:
        self._missing = missing

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        raise NotAuthenticated(self._missing)
        yield request  # makes it a generator


def granted_by(answer: Any) -> Grant:
    """The grant that OAuth's JSON object holds. Raises InternalError if it is something else."""
    try:
        return msgspec.convert(answer, Grant, strict=False)
    except msgspec.ValidationError as error:
        raise InternalError(f"The server gave no token ({error}): is it an Abaco server of this version?") from error


def _checked(secret: str, kind: str) -> str:
    if not secret or not secret.isascii() or not secret.isprintable() or " " in secret:
        # The secret itself stays out of the message: messages end up in logs.
        raise InvalidCredentials(f"the {kind} is empty or holds blanks or control characters: copy it again.")
    return secret


def _can_be_sent_again(request: httpx.Request) -> bool:
    """Whether its body is in memory; a file that was streamed is at its end."""
    return isinstance(request.stream, httpx.ByteStream)
