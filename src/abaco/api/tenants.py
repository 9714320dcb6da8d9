"""``/tenants`` and ``/v3/tenants``: which tenants there are, for clients that look them up; open to everyone."""

from typing import Any

from anyio import to_thread
from litestar import get
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath

from abaco.api import schemas
from abaco.api.documents import documented
from abaco.api.wire import Wire
from abaco.domain.tenant import Tenant
from abaco.services.tapis_tokens import TapisTokens
from abaco.services.tenants import Tenants

__all__ = ["tenant_routes"]

_SITE = "abaco"
_OPEN = ("none",)


def _fields(tenant: Tenant, base_url: str) -> dict[str, Any]:
    return {
        "id": tenant.id,
        "name": tenant.id,
        "code": tenant.id,
        "baseUrl": base_url,
        "contact": [],
        "_links": {"self": {"href": f"{base_url}/tenants/{tenant.id}"}},
    }


def _tapis_fields(tenant: Tenant, base_url: str, public_key: str) -> dict[str, Any]:
    """Tapis writes tenants in lower case."""
    return {
        "tenant_id": tenant.id.lower(),
        "base_url": base_url,
        "public_key": public_key,
        "site_id": _SITE,
        "description": "",
        "status": "active",
    }


def tenant_routes(tenants: Tenants, tapis: TapisTokens, wire: Wire) -> list[BaseRouteHandler]:
    @get("/tenants", **documented("listTenants", "List the tenants.", list[schemas.Tenant], security=_OPEN))
    async def list_tenants() -> Any:
        found = await to_thread.run_sync(tenants.list)
        shown = [_fields(tenant, tenants.base_url(tenant)) for tenant in found]
        return wire.success("Tenants retrieved successfully.", shown)

    @get("/tenants/{tenant_id:str}", **documented("getTenant", "Get one tenant.", schemas.Tenant, security=_OPEN))
    async def get_tenant(tenant_id: FromPath[str]) -> Any:
        tenant = await to_thread.run_sync(tenants.get, tenant_id)
        return wire.success("Tenant retrieved successfully.", _fields(tenant, tenants.base_url(tenant)))

    return [list_tenants, get_tenant, *_tapis_routes(tenants, tapis, wire)]


def _tapis_routes(tenants: Tenants, tapis: TapisTokens, wire: Wire) -> list[BaseRouteHandler]:
    def show(tenant: Tenant) -> dict[str, Any]:
        return _tapis_fields(tenant, tenants.base_url(tenant), tapis.public_key)

    @get(
        "/v3/tenants",
        **documented(
            "listTapisTenants", "List the tenants, for Tapis clients.", list[schemas.TapisTenant], security=_OPEN
        ),
    )
    async def list_tapis_tenants() -> Any:
        found = await to_thread.run_sync(lambda: [show(tenant) for tenant in tenants.list()])
        return wire.success("Tenants retrieved successfully.", found)

    @get(
        "/v3/tenants/{tenant_id:str}",
        **documented("getTapisTenant", "Get one tenant, for Tapis clients.", schemas.TapisTenant, security=_OPEN),
    )
    async def get_tapis_tenant(tenant_id: FromPath[str]) -> Any:
        found = await to_thread.run_sync(lambda: show(tenants.get(tenant_id)))
        return wire.success("Tenant retrieved successfully.", found)

    @get(
        "/v3/sites",
        **documented("listSites", "List the one site there is: this server.", list[schemas.Site], security=_OPEN),
    )
    async def list_sites() -> Any:
        site = {"site_id": _SITE, "primary": True, "base_url": tenants.server_url}
        return wire.success("Sites retrieved successfully.", [site])

    return [list_tapis_tenants, get_tapis_tenant, list_sites]
