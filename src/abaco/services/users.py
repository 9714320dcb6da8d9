"""Users of a tenant: what administrators do with them, and their profiles."""

from datetime import timedelta

from abaco.domain.ids import digest, new_secret
from abaco.domain.user import Principal, User, require_username
from abaco.errors import InvalidInput, NotFound
from abaco.ports import Clock, Store, StoredToken
from abaco.services.access import require_full
from abaco.services.passwords import Passwords, hash_password
from abaco.services.throttle import Throttle

__all__ = ["Users"]

_MAX_PROFILE = 255
"""Characters of each entry."""
_MAX_ID = 2**32 - 2
"""What kernels know as a user or group; the one above means none."""


class Users:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._passwords = Passwords(store, Throttle(clock))

    def add(self, user: User, password: str) -> None:
        """Add or replace a user. A new password ends what the old one was good for: sign-ins, not issued tokens.

        Raises NotFound for an unknown tenant, InvalidInput for a bad name, profile or password.
        """
        require_username(user.name)
        if not user.roles:
            raise InvalidInput("A user needs a role.")
        for name, text in user.profile.items():
            if len(text) > _MAX_PROFILE or "\0" in text:
                raise InvalidInput(f"{name} may have {_MAX_PROFILE} characters, none of them NUL.")
        for label, number in (("uid", user.uid), ("gid", user.gid)):
            if number is not None and not 0 <= number <= _MAX_ID:
                raise InvalidInput(f"{label} must be at most {_MAX_ID}.")
        password_hash = hash_password(password)
        self._require_tenant(user.tenant)
        kept = self._passwords.is_theirs(user.tenant, user.name, password)
        self._store.users.put(user, password_hash)
        if not kept:
            self._store.tokens.revoke_granted(user.tenant, user.name)

    def list(self, tenant: str) -> list[User]:
        """By name; raises NotFound for an unknown tenant."""
        self._require_tenant(tenant)
        return self._store.users.all(tenant)

    def remove(self, tenant: str, name: str) -> None:
        """Let the user in no more, by whatever means; what they own keeps its owner. Raises NotFound."""
        self._require(tenant, name)
        self._store.users.remove(tenant, name)

    def revoke(self, tenant: str, name: str) -> None:
        """End every token, refresh token, OAuth client and nonce of the user. Raises NotFound for an unknown tenant.

        The name need not be a user of ours: who is known by JWTs only may have nonces, too.
        """
        self._require_tenant(tenant)
        self._store.users.revoke(tenant, name)

    def issue_token(self, tenant: str, username: str, lifetime: timedelta | None = None) -> str:
        """A new bearer token of the user, shown this once; it does not expire unless `lifetime` is given."""
        self._require_tenant(tenant)
        self._require(tenant, username)
        token = new_secret()
        expires_at = self._clock.now() + lifetime if lifetime else None
        self._store.tokens.add({digest(token): StoredToken(tenant, username, expires_at)})
        return token

    def profile(self, caller: Principal, name: str) -> User:
        """A user of the caller's tenant; the caller is known even without an entry. Raises NotFound."""
        require_full(caller)
        user = self._store.users.find(caller.tenant, name)
        if user is not None and not user.is_removed:
            return user
        if name == caller.username:
            return User(caller.tenant, name, caller.roles)
        raise NotFound(f"There is no user {name[:64]!r}.")

    def _require(self, tenant: str, name: str) -> None:
        user = self._store.users.find(tenant, name)
        if user is None or user.is_removed:
            raise NotFound(f"There is no user {name!r} in tenant {tenant!r}: add it with `abaco admin user add`.")

    def _require_tenant(self, tenant: str) -> None:
        if self._store.tenants.find(tenant) is None:
            raise NotFound(f"There is no tenant {tenant!r}: add it with `abaco admin tenant add {tenant}`.")
