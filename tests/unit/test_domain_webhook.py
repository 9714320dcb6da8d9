"""Which URLs may be webhooks, where they may lead, and how they are signed."""

import hashlib
import hmac
from ipaddress import ip_address

import pytest

from abaco.domain.webhook import (
    is_forbidden,
    is_private,
    origin_of,
    owner_key,
    require_webhook,
    signature,
    without_nonces,
)
from abaco.errors import InvalidInput


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://example.org",
        "http://example.org:8080/a/b?x-nonce=DEV_1234&b=%20",
        "HTTPS://EXAMPLE.ORG/",
        "http://127.0.0.1:8000/actors/v2/x/messages?x-nonce=DEV_1",
        "http://[::1]:80/",
    ],
)
def test_urls_that_can_be_posted_to_are_taken(url: str) -> None:
    require_webhook(url)


@pytest.mark.parametrize(
    "url",
    [
        "example.org",
        "//example.org/",
        "ftp://example.org/",
        "file:///etc/passwd",
        "http://",
        "http:///path",
        "http://example.org:0/",
        "http://example.org:99999/",
        "http://example.org:x/",
        "http://user:password@example.org/",
        "http://@example.org/",
        "http://[::1/",
        "http://exa mple.org/",
        "http://example.org/\n",
        "http://example.org\\@evil.test/",
        "http://exämple.org/",
        "http://example.org/" + "x" * 2048,
    ],
)
def test_others_are_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="webhook must be a URL"):
        require_webhook(url)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "fe80::1",
        "fd00:ec2::254",
        "100.100.100.200",
        "168.63.129.16",
        "0.0.0.0",
        "::",
        "224.0.0.1",
        "ff02::1",
        "255.255.255.255",
    ],
)
def test_where_no_webhook_may_ever_lead(address: str) -> None:
    assert is_forbidden(ip_address(address))


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "::1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "fd12::1", "::ffff:10.0.0.1"],
)
def test_private_addresses(address: str) -> None:
    assert is_private(ip_address(address))
    assert not is_forbidden(ip_address(address))


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:8.8.8.8"])
def test_public_addresses(address: str) -> None:
    assert not is_private(ip_address(address))
    assert not is_forbidden(ip_address(address))


def test_default_ports_make_no_difference() -> None:
    assert origin_of("http://Example.org/a") == origin_of("http://example.org:80/b")
    assert origin_of("https://example.org") != origin_of("http://example.org")


def test_signatures_can_be_checked_with_what_everybody_has() -> None:
    key = owner_key(b"secret", "DEV", "ada")
    expected = hmac.new(key.encode(), b'1700000000.{"a":1}', hashlib.sha256).hexdigest()
    assert signature(key, "1700000000", b'{"a":1}') == f"sha256={expected}"


def test_every_owner_has_a_key_of_their_own() -> None:
    owners = [("DEV", "ada"), ("DEV", "bob"), ("OTHER", "ada")]
    assert len({owner_key(b"secret", *owner) for owner in owners} | {owner_key(b"other", "DEV", "ada")}) == 4


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("", ""),
        ("https://example.org/a?b=x-nonce&c", "https://example.org/a?b=x-nonce&c"),
        ("https://h/m?x-nonce=DEV_1", "https://h/m?x-nonce=********"),
        ("https://h/m?a=1&X-Nonce=DEV_1&b=2#x-nonce=3", "https://h/m?a=1&X-Nonce=********&b=2#x-nonce=3"),
        ("https://h/m?x%2Dnonce=DEV_1&x-nonce=DEV_2", "https://h/m?x%2Dnonce=********&x-nonce=********"),
    ],
)
def test_nonces_are_masked_however_they_are_spelled(url: str, shown: str) -> None:
    assert without_nonces(url) == shown
