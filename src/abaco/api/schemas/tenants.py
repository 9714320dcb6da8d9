"""Tenants."""

import msgspec
from msgspec import Struct

from abaco.api.schemas.base import Camel

__all__ = ["Site", "TapisTenant", "Tenant"]


class Here(Struct):
    href: str


class TenantLinks(Struct):
    self: Here


class Tenant(Camel, kw_only=True):
    id: str
    name: str
    code: str
    base_url: str
    contact: list[str]
    links: TenantLinks = msgspec.field(name="_links")


class TapisTenant(Struct):
    """A tenant as Tapis clients look it up. Its `public_key` is the one that our own tokens are signed with."""

    tenant_id: str
    base_url: str
    public_key: str
    site_id: str
    description: str
    status: str


class Site(Struct):
    """Where tenants are at home: the server itself."""

    site_id: str
    primary: bool
    base_url: str
