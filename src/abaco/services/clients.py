"""OAuth clients: a user's own, made and deleted with their password."""

from hmac import compare_digest

from abaco.domain.client import GrantRefused, OAuthClient, Refusal
from abaco.domain.ids import digest, new_secret
from abaco.domain.user import User
from abaco.errors import NotFound
from abaco.ports import Clock, Store

__all__ = ["Clients"]


class Clients:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def create(self, user: User, name: str, description: str, callback_url: str, tier: str) -> tuple[OAuthClient, str]:
        """A new client and its secret, shown this once. Raises InvalidInput, or Conflict if the name is taken."""
        client = OAuthClient(
            tenant=user.tenant,
            username=user.name,
            name=name,
            key=new_secret()[:32],
            description=description,
            callback_url=callback_url,
            tier=tier,
            created_at=self._clock.now(),
        )
        secret = new_secret()
        self._store.clients.add(client, digest(secret))
        return client, secret

    def list(self, user: User) -> list[OAuthClient]:
        return self._store.clients.of_user(user.tenant, user.name)

    def get(self, user: User, name: str) -> OAuthClient:
        """Raises NotFound."""
        client = self._store.clients.find(user.tenant, user.name, name)
        if client is None:
            raise NotFound(f"You have no client named {name[:80]!r}.")
        return client

    def delete(self, user: User, name: str) -> None:
        """Delete the client, and every token granted to it. Raises NotFound."""
        self._store.clients.remove(self.get(user, name))

    def authenticate(self, key: str, secret: str) -> OAuthClient:
        """The client with this key, if the secret is its own; raises GrantRefused."""
        found = self._store.clients.find_key(key) if key.isalnum() else None
        if found is None or not compare_digest(found[1], digest(secret)):
            raise GrantRefused(Refusal.INVALID_CLIENT, "The client's key or secret is wrong.")
        return found[0]
