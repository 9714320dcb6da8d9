"""Signing JWTs as gateways, Tapis and providers do."""

import json
from base64 import urlsafe_b64encode
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

__all__ = ["key", "public_der", "public_pem", "signed"]


@cache
def key(name: str) -> RSAPrivateKey:
    """The key of somebody."""
    assert name
    return generate_private_key(public_exponent=65537, key_size=2048)


def public_pem(name: str = "gateway") -> str:
    return key(name).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def public_der(name: str = "gateway") -> bytes:
    return key(name).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _part(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(claims: Any, signer: str = "gateway", **header: Any) -> str:
    head = {"typ": "JWT", "alg": "RS256", **header}
    text = f"{_part(json.dumps(head).encode())}.{_part(json.dumps(claims).encode())}"
    return f"{text}.{_part(key(signer).sign(text.encode(), PKCS1v15(), SHA256()))}"
