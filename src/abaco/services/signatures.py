"""JWTs that others signed: RS256 and nothing else, under either of its names."""

import json
import math
from base64 import urlsafe_b64decode
from binascii import Error as NotBase64
from datetime import datetime
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

from abaco.errors import InvalidCredentials, InvalidInput

__all__ = ["peek", "public_key", "verified"]

_ALGORITHMS = ("RS256", "SHA256withRSA")
"""What gateways of WSO2 write for the same thing."""
_MIN_BITS = 2048
_MAX_CHARACTERS = 16_384
"""More than any header may have."""


@lru_cache(maxsize=256)
def public_key(text: str) -> RSAPublicKey:
    """The key of `text`, PEM or the base64 of DER; raises InvalidInput if it is none that we take."""
    try:
        key = (
            load_pem_public_key(text.encode())
            if text.lstrip().startswith("-----BEGIN")
            else load_der_public_key(_decode("".join(text.split())))
        )
    except (ValueError, NotBase64):
        key = None
    if not isinstance(key, RSAPublicKey) or key.key_size < _MIN_BITS:
        raise InvalidInput(f"The public key must be an RSA key of {_MIN_BITS} bits or more, as PEM or base64 of DER.")
    return key


def verified(token: str, key: RSAPublicKey, now: datetime) -> dict[str, Any]:
    """The claims of `token`; raises InvalidCredentials if the key has not signed it or its time is over.

    `exp` must be there. It counts in seconds; in the milliseconds that some gateways write it lies far ahead.
    """
    header, claims, signed, signature = _parts(token)
    if header.get("alg") not in _ALGORITHMS or "crit" in header:
        raise InvalidCredentials("Invalid Credentials: the JWT must be signed with RS256.")
    try:
        key.verify(signature, signed, PKCS1v15(), SHA256())
    except InvalidSignature:
        raise InvalidCredentials("Invalid Credentials: the JWT is not signed by the key of its tenant.") from None
    if _time(claims, "exp", -math.inf) <= now.timestamp():
        raise InvalidCredentials("Invalid Credentials: the JWT has expired.")
    if _time(claims, "nbf", -math.inf) > now.timestamp():
        raise InvalidCredentials("Invalid Credentials: the JWT is not valid yet.")
    return claims


def peek(token: str) -> dict[str, Any]:
    """The claims of `token`, which nobody has verified; raises InvalidCredentials if it is no JWT."""
    return _parts(token)[1]


def _time(claims: dict[str, Any], name: str, missing: float) -> float:
    """A claim in seconds; what is not a number is long over."""
    value = claims.get(name, missing)
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        raise InvalidCredentials(f"Invalid Credentials: the JWT's {name} is not a time.")
    return value


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    """Header, claims, what is signed, and the signature."""
    try:
        if len(token) > _MAX_CHARACTERS:
            raise ValueError  # noqa: TRY301 - as any other that cannot be read
        signed, _, signature = token.rpartition(".")
        header, claims = signed.split(".")
        return _object(header), _object(claims), signed.encode("ascii"), _decode(signature)
    except (ValueError, RecursionError):
        raise InvalidCredentials("Invalid Credentials: this is not a signed JWT.") from None


def _object(part: str) -> dict[str, Any]:
    value = json.loads(_decode(part))
    if not isinstance(value, dict):
        raise ValueError  # noqa: TRY004 - one error for every way of not being a JWT
    return value


def _decode(text: str) -> bytes:
    """Base64 in either alphabet, padded or not: gateways differ. Raises ValueError."""
    plain = text.translate(str.maketrans("+/", "-_")).rstrip("=")
    return urlsafe_b64decode(plain.encode("ascii") + b"=" * (-len(plain) % 4))
