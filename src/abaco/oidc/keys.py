"""The keys of an OIDC provider, over HTTP."""

import json
from time import monotonic
from typing import Any

import httpx

from abaco.ports import ProviderError

__all__ = ["HttpKeySource"]

_SECONDS = 5.0
"""For everything together: whoever waits for it holds a thread."""
_MAX_BYTES = 1024**2


class HttpKeySource:
    """Of the provider at `issuer`. Without `jwks_url` it is asked for it first, as OpenID Connect Discovery has it."""

    def __init__(self, issuer: str, jwks_url: str | None) -> None:
        self._issuer = issuer
        self._jwks_url = jwks_url

    def fetch(self) -> bytes:
        deadline = monotonic() + _SECONDS
        with httpx.Client(timeout=_SECONDS, follow_redirects=False) as client:
            url = self._jwks_url or self._discover(client, deadline)
            return _get(client, url, deadline)

    def _discover(self, client: httpx.Client, deadline: float) -> str:
        url = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            found: Any = json.loads(_get(client, url, deadline))
            issuer, jwks_url = found["issuer"], found["jwks_uri"]
        except (ValueError, TypeError, KeyError):
            raise ProviderError(f"{url} is not the configuration of an OIDC provider.") from None
        if issuer != self._issuer or not isinstance(jwks_url, str):
            raise ProviderError(f"{url} is for another issuer than {self._issuer}.")
        return jwks_url


def _get(client: httpx.Client, url: str, deadline: float) -> bytes:
    """The body, if it comes in time: httpx bounds each read, we bound them together."""
    body = bytearray()
    try:
        with client.stream("GET", url) as response:
            if response.status_code != 200:
                raise ProviderError(f"{url} answered {response.status_code}.")
            for piece in response.iter_bytes():
                body += piece
                if monotonic() > deadline or len(body) > _MAX_BYTES:
                    raise ProviderError(f"{url} took too long, or sent too much.")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ProviderError(f"{url} cannot be reached: {type(error).__name__}.") from None
    return bytes(body)
