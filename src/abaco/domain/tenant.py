"""A tenant: the isolation boundary of every object."""

import re
from dataclasses import dataclass

from abaco.errors import InvalidInput

__all__ = ["Tenant", "is_tenant_id", "require_tenant_id"]

_TENANT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True)
class Tenant:
    """`api_server` is the base URL users of the tenant reach us at; None means the server's own.

    `gateway_public_key` is the PEM public key that the tenant's gateway signs its JWTs for (RS256).
    """

    id: str
    api_server: str | None = None
    gateway_public_key: str | None = None


def is_tenant_id(text: str) -> bool:
    """Whether `text` can name a tenant."""
    return _TENANT_ID.fullmatch(text) is not None


def require_tenant_id(text: str) -> str:
    """Return `text` if it can name a tenant, else raise InvalidInput."""
    if not is_tenant_id(text):
        raise InvalidInput(f"{text!r} cannot name a tenant: use 1 to 64 letters, digits, '-', '_' or '.'.")
    return text
