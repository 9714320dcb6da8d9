"""Who is calling: users and their bearer tokens, and the tokens of running executions."""

from datetime import timedelta
from hashlib import sha256

from argon2 import PasswordHasher

from abaco.domain.credentials import Bearer, Credentials, NonceUse
from abaco.domain.ids import new_secret
from abaco.domain.tenant import Tenant, require_tenant_id
from abaco.domain.user import Principal, User, require_username
from abaco.errors import InvalidCredentials, InvalidInput, NotFound
from abaco.ports import Clock, Store, StoredToken
from abaco.services.execution_tokens import ExecutionTokens
from abaco.services.nonces import NonceRedeemer

__all__ = ["Identity"]


def _digest(token: str) -> str:
    # Tokens are 256 random bits: a fast hash keeps them from readers of the database.
    return sha256(token.encode(errors="surrogateescape")).hexdigest()


class Identity:
    def __init__(self, store: Store, clock: Clock, execution_tokens: ExecutionTokens, nonces: NonceRedeemer) -> None:
        self._store = store
        self._nonces = nonces
        self._clock = clock
        self._execution_tokens = execution_tokens

    def authenticate(self, credentials: Credentials) -> Principal:
        """Who `credentials` stand for; raises InvalidCredentials if they are unknown or expired."""
        match credentials:
            case Bearer(token):
                return self._of_bearer(token)
            case NonceUse():
                return self._nonces.redeem(credentials)
            case _:
                raise InvalidCredentials("Invalid Credentials: this server does not take credentials of this kind.")

    def _of_bearer(self, token: str) -> Principal:
        if self._execution_tokens.looks_like(token):
            return self._of_execution(token)
        user = self._store.tokens.find_user(_digest(token), self._clock.now())
        if user is None:
            raise InvalidCredentials("Invalid Credentials: the access token is unknown or has expired.")
        return Principal(user.tenant, user.name, user.roles)

    def _of_execution(self, token: str) -> Principal:
        """An execution's token is good while that attempt runs; later word from it is refused."""
        claims = self._execution_tokens.read(token, self._clock.now())
        owner = self._store.users.find(claims.tenant, claims.owner)
        current = self._store.state.is_current(claims.grant.execution_id, claims.grant.attempt)
        if owner is None or not current:
            raise InvalidCredentials("Invalid Credentials: the execution of this access token does not run any more.")
        return Principal(owner.tenant, owner.name, owner.roles, claims.grant, claims.state_only)

    def add_tenant(self, tenant_id: str, api_server: str | None = None) -> None:
        self._store.tenants.put(Tenant(require_tenant_id(tenant_id), api_server))

    def add_user(self, user: User, password: str) -> None:
        """Add or replace a user; raises NotFound for an unknown tenant, InvalidInput for a bad name or password."""
        require_username(user.name)
        if not password:
            raise InvalidInput("password may not be empty.")
        self._require_tenant(user.tenant)
        self._store.users.put(user, PasswordHasher().hash(password))

    def issue_token(self, tenant: str, username: str, lifetime: timedelta | None = None) -> str:
        """A new bearer token of the user, shown this once; it does not expire unless `lifetime` is given."""
        self._require_tenant(tenant)
        if self._store.users.find(tenant, username) is None:
            raise NotFound(f"There is no user {username!r} in tenant {tenant!r}: add it with `abaco admin user add`.")
        token = new_secret()
        expires_at = self._clock.now() + lifetime if lifetime else None
        self._store.tokens.add(_digest(token), StoredToken(tenant, username, expires_at))
        return token

    def _require_tenant(self, tenant: str) -> None:
        if self._store.tenants.find(tenant) is None:
            raise NotFound(f"There is no tenant {tenant!r}: add it with `abaco admin tenant add {tenant}`.")
