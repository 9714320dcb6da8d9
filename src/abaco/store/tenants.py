"""Tenants."""

from sqlalchemy import func, select

from abaco.domain.tenant import Tenant
from abaco.store.database import Database
from abaco.store.tables import tenants

__all__ = ["Tenants"]


class Tenants:
    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, tenant: Tenant) -> None:
        values = {"api_server": tenant.api_server, "gateway_public_key": tenant.gateway_public_key}
        insertion = self._database.upsert(tenants).values(id=tenant.id, **values)
        with self._database.write() as connection:
            connection.execute(insertion.on_conflict_do_update(index_elements=["id"], set_=values))

    def find(self, tenant_id: str) -> Tenant | None:
        with self._database.read() as connection:
            row = connection.execute(select(tenants).where(tenants.c.id == tenant_id)).one_or_none()
        return Tenant(*row) if row else None

    def match(self, name: str) -> Tenant | None:
        # The first version let ids differ in case only: then none may stand for the other.
        exact_first = (tenants.c.id != name, tenants.c.id)
        query = select(tenants).where(func.lower(tenants.c.id) == name.lower()).order_by(*exact_first)
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return Tenant(*row) if row else None

    def all(self) -> list[Tenant]:
        with self._database.read() as connection:
            return [Tenant(*row) for row in connection.execute(select(tenants).order_by(tenants.c.id))]
