"""OAuth clients."""

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from abaco.domain.client import OAuthClient
from abaco.errors import Conflict
from abaco.store.database import Database
from abaco.store.tables import clients, tokens

__all__ = ["Clients"]

_CLIENT = (
    clients.c.tenant,
    clients.c.username,
    clients.c.name,
    clients.c.key,
    clients.c.description,
    clients.c.callback_url,
    clients.c.tier,
    clients.c.created_at,
)


class Clients:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, client: OAuthClient, secret_digest: str) -> None:
        row = {column.name: getattr(client, column.name) for column in _CLIENT}
        try:
            with self._database.write() as connection:
                connection.execute(insert(clients).values(**row, secret_digest=secret_digest))
        except IntegrityError:  # keys are random: it is the name
            raise Conflict(
                f"You have a client named {client.name!r} already: delete it or take another name."
            ) from None

    def find(self, tenant: str, username: str, name: str) -> OAuthClient | None:
        query = select(*_CLIENT).where(
            clients.c.tenant == tenant, clients.c.username == username, clients.c.name == name
        )
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return OAuthClient(*row) if row else None

    def find_key(self, key: str) -> tuple[OAuthClient, str] | None:
        query = select(*_CLIENT, clients.c.secret_digest).where(clients.c.key == key)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return (OAuthClient(*row[:-1]), row.secret_digest) if row else None

    def of_user(self, tenant: str, username: str) -> list[OAuthClient]:
        query = select(*_CLIENT).where(clients.c.tenant == tenant, clients.c.username == username)
        with self._database.read() as connection:
            return [OAuthClient(*row) for row in connection.execute(query.order_by(clients.c.seq))]

    def remove(self, client: OAuthClient) -> None:
        with self._database.write() as connection:
            connection.execute(delete(tokens).where(tokens.c.client_key == client.key))
            connection.execute(delete(clients).where(clients.c.key == client.key))
