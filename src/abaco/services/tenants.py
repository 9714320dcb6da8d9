"""Tenants: who there is, and which of them a request means."""

from urllib.parse import urlsplit

from abaco.domain.tenant import Tenant, is_tenant_id, require_tenant_id
from abaco.errors import Conflict, InvalidInput, NotFound
from abaco.ports import Store

__all__ = ["Tenants"]

_DEFAULT_PORTS = {"http": 80, "https": 443}


class Tenants:
    def __init__(self, store: Store, default_tenant: str, base_url: str) -> None:
        self._store = store
        self._default = default_tenant
        self.server_url = base_url

    def add(self, tenant: Tenant) -> None:
        """Add the tenant or replace what is known of it.

        Raises InvalidInput for a bad id, and Conflict if another differs in the case of letters only: the header of a
        gateway and the claims of Tapis spell tenants in their own case.
        """
        require_tenant_id(tenant.id)
        known = self._store.tenants.match(tenant.id)
        if known is not None and known.id != tenant.id:
            raise Conflict(f"There is a tenant {known.id!r} already; ids may not differ in case only.")
        self._store.tenants.put(tenant)

    def find(self, tenant_id: str) -> Tenant | None:
        return self._store.tenants.find(tenant_id)

    def list(self) -> list[Tenant]:
        return self._store.tenants.all()

    def get(self, name: str) -> Tenant:
        """The tenant with this id in any case; raises NotFound."""
        tenant = self.match(name)
        if tenant is None:
            raise NotFound(f"There is no tenant {name[:64]!r}.")
        return tenant

    def match(self, name: str) -> Tenant | None:
        """The tenant with this id in any case."""
        return self._store.tenants.match(name) if is_tenant_id(name) else None

    def base_url(self, tenant: Tenant) -> str:
        """Where the tenant's users reach the API, without a trailing slash."""
        return (tenant.api_server or self.server_url).rstrip("/")

    def named(self, name: str | None) -> Tenant:
        """The tenant with this id in any case, the default one without a name; raises InvalidInput."""
        tenant = self.match(name or self._default)
        if tenant is None:
            raise InvalidInput(f"There is no tenant {(name or self._default)[:64]!r}.")
        return tenant

    def of_host(self, host: str) -> Tenant:
        """The tenant that a request to `host` (the header) means: the one whose base URL it is, else the default."""
        every = self._store.tenants.all()
        found = [tenant for tenant in every if tenant.api_server and _same_host(tenant.api_server, host)]
        return found[0] if len(found) == 1 else self.named(None)


def _same_host(url: str, host: str) -> bool:
    """Whether `host`, with or without port, is that of `url`."""
    try:
        base, asked = urlsplit(url), urlsplit(f"//{host}")
        ports = base.port, asked.port
    except ValueError:
        return False
    default = _DEFAULT_PORTS.get(base.scheme)
    return base.hostname == asked.hostname and (ports[0] or default) == (ports[1] or default)
