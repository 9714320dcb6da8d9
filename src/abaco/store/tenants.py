"""Tenants."""

from sqlalchemy import select

from abaco.domain.tenant import Tenant
from abaco.store.database import Database
from abaco.store.tables import tenants

__all__ = ["Tenants"]


class Tenants:
    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, tenant: Tenant) -> None:
        insert = self._database.upsert(tenants).values(id=tenant.id, api_server=tenant.api_server)
        with self._database.write() as connection:
            connection.execute(
                insert.on_conflict_do_update(index_elements=["id"], set_={"api_server": tenant.api_server}),
            )

    def find(self, tenant_id: str) -> Tenant | None:
        with self._database.read() as connection:
            row = connection.execute(select(tenants).where(tenants.c.id == tenant_id)).one_or_none()
        return Tenant(row.id, row.api_server) if row else None
