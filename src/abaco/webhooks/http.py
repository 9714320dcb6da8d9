"""Webhooks over HTTP(S), to addresses that were looked at before: a name may lead into the machine's own network."""

import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit, urlunsplit

import anyio
import httpx

from abaco.domain.webhook import Origin, is_forbidden, is_private, origin_of
from abaco.ports import WebhookAnswer, WebhookPost

__all__ = ["HttpWebhooks"]

_PASSING = {408, 425, 429}
"""Answers below 500 that a later try may change."""

Address = IPv4Address | IPv6Address


class HttpWebhooks:
    """With `private_addresses`, webhooks may lead to any but link-local addresses; else to the public internet only.

    The names' addresses are resolved once and spoken to as resolved, so that what was looked at is what is used.
    """

    def __init__(self, timeout_seconds: float, *, private_addresses: bool) -> None:
        self._timeout_seconds = timeout_seconds
        self._private_addresses = private_addresses
        # The machine's own certificate authorities; no proxies and no ~/.netrc.
        self._client = httpx.AsyncClient(
            verify=ssl.create_default_context(),
            timeout=timeout_seconds,
            trust_env=False,
            follow_redirects=False,
            # A connection is told by address: one that was made for a name must not serve another.
            limits=httpx.Limits(max_keepalive_connections=0),
            headers={"User-Agent": "abaco"},
        )

    async def post(self, post: WebhookPost) -> WebhookAnswer:
        try:
            with anyio.fail_after(self._timeout_seconds):
                return await self._post(post, origin_of(post.url))
        except TimeoutError:
            return WebhookAnswer(None, f"no answer within {self._timeout_seconds:g} seconds")
        except httpx.HTTPError as error:
            return WebhookAnswer(None, f"{type(error).__name__}: {error}"[:200])
        except OSError as error:
            return WebhookAnswer(None, f"its name was not resolved: {error.strerror or error}"[:200])
        except (ValueError, httpx.InvalidURL, UnicodeError):
            return WebhookAnswer(None, "its URL cannot be posted to", final=True)

    async def _post(self, post: WebhookPost, origin: Origin) -> WebhookAnswer:
        addresses = await _resolve(origin)
        allowed = [address for address in addresses if self._is_allowed(address, own=_is_own(origin, post.own))]
        if not allowed:
            return WebhookAnswer(None, "its address is one that webhooks may not lead to", final=True)
        for address in allowed[:-1]:
            with suppress(httpx.ConnectError):
                return await self._send(post, origin, address)
        return await self._send(post, origin, allowed[-1])

    async def _send(self, post: WebhookPost, origin: Origin, address: Address) -> WebhookAnswer:
        parts = urlsplit(post.url)
        request = self._client.build_request(
            "POST",
            urlunsplit((origin.scheme, _netloc(address, origin.port), parts.path or "/", parts.query, "")),
            content=post.body,
            headers={**post.headers, "Host": parts.netloc},
            extensions={"sni_hostname": origin.host},
        )
        # The answer's body is of no interest, whatever its size: it is not read.
        response = await self._client.send(request, stream=True)
        await response.aclose()
        status = response.status_code
        return WebhookAnswer(status, final=status < 500 and status not in _PASSING)

    async def close(self) -> None:
        """No more posts."""
        await self._client.aclose()

    def _is_allowed(self, address: Address, *, own: bool) -> bool:
        if is_forbidden(address):
            return False
        return own or self._private_addresses or not is_private(address)


def _is_own(origin: Origin, own: Sequence[str]) -> bool:
    return any(origin == origin_of(url) for url in own)


async def _resolve(origin: Origin) -> list[Address]:
    found = await anyio.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
    return [ip_address(str(sockaddr[0]).partition("%")[0]) for *_, sockaddr in found]


def _netloc(address: Address, port: int) -> str:
    return f"[{address}]:{port}" if isinstance(address, IPv6Address) else f"{address}:{port}"
