"""A webhook: the URL that an actor's events are posted to, and which addresses it may lead to."""

import hmac
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from typing import NamedTuple
from urllib.parse import unquote_plus, urlsplit

from abaco.domain.config import MASK
from abaco.errors import InvalidInput

__all__ = [
    "Origin",
    "is_forbidden",
    "is_private",
    "origin_of",
    "owner_key",
    "require_webhook",
    "signature",
    "without_nonces",
]

_MAX_LENGTH = 2048
_PORTS = {"http": 80, "https": 443}
_NAT64 = IPv6Network("64:ff9b::/96")
_METADATA = {IPv6Address("fd00:ec2::254"), IPv4Address("168.63.129.16"), IPv4Address("100.100.100.200")}
"""Where clouds tell their machines secrets, outside the link-local ranges: Amazon (IPv6), Azure, Alibaba."""


class Origin(NamedTuple):
    """Whom a URL speaks to."""

    scheme: str
    host: str
    port: int


def origin_of(url: str) -> Origin:
    """Raises ValueError for what is no http or https URL with a host."""
    parts = urlsplit(url)
    scheme, host = parts.scheme.lower(), parts.hostname
    if scheme not in _PORTS or not host:
        raise ValueError(url)
    return Origin(scheme, host.lower(), _PORTS[scheme] if parts.port is None else parts.port)


def require_webhook(url: str) -> None:
    """Raise InvalidInput for what cannot be posted to; "" is no webhook."""
    if not url:
        return
    try:
        if len(url) > _MAX_LENGTH or any(not "!" <= character <= "~" for character in url) or "\\" in url:
            raise ValueError(url)  # noqa: TRY301 - one text for every way of being wrong
        origin = origin_of(url)
        if origin.port == 0 or "@" in urlsplit(url).netloc:
            raise ValueError(url)  # noqa: TRY301
    except ValueError:
        raise InvalidInput(
            "webhook must be a URL such as https://example.org/events: http or https, a host, no user or password, "
            f"no spaces, at most {_MAX_LENGTH} characters of ASCII.",
        ) from None


def without_nonces(url: str) -> str:
    """`url` with its nonces masked: as others see it than those who gave it."""
    before, mark, rest = url.partition("?")
    query, fragment_mark, fragment = rest.partition("#")
    return before + mark + "&".join(map(_masked, query.split("&"))) + fragment_mark + fragment


def _masked(parameter: str) -> str:
    name, sign, _ = parameter.partition("=")
    return f"{name}{sign}{MASK}" if sign and unquote_plus(name).lower() == "x-nonce" else parameter


Address = IPv4Address | IPv6Address


def _plain(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, if it does."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


def is_forbidden(address: Address) -> bool:
    """Whether no webhook may ever lead there: link-local (clouds' metadata), multicast, reserved, unspecified."""
    plain = _plain(address)
    unusable = plain.is_link_local or plain.is_multicast or plain.is_unspecified
    return unusable or plain in _METADATA or (isinstance(plain, IPv4Address) and plain.is_reserved)


def is_private(address: Address) -> bool:
    """Whether the address is not of the public internet: this machine, private networks, shared address space."""
    return not _plain(address).is_global


def owner_key(secret: bytes, tenant: str, username: str) -> str:
    """The key that signs the webhooks of a user's actors; nobody can work out another's from it."""
    return hmac.new(secret, f"webhooks\0{tenant}\0{username}".encode(), "sha256").hexdigest()


def signature(key: str, timestamp: str, body: bytes) -> str:
    """What the header ``X-Abaco-Signature`` says of a body that is sent at `timestamp`."""
    return "sha256=" + hmac.new(key.encode(), timestamp.encode() + b"." + body, "sha256").hexdigest()
