"""Passwords: kept as argon2 hashes, and what a sign-in costs whoever guesses."""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from abaco.domain.user import User
from abaco.errors import InvalidInput, NotAuthenticated
from abaco.ports import Store
from abaco.services.throttle import Throttle

__all__ = ["Passwords", "hash_password"]

_MAX_CHARACTERS = 1024
_MAX_NAME = 64


def hash_password(password: str) -> str:
    """The hash to store; raises InvalidInput for one that nobody could use."""
    if not 0 < len(password) <= _MAX_CHARACTERS:
        raise InvalidInput(f"password may not be empty, nor have more than {_MAX_CHARACTERS} characters.")
    return PasswordHasher().hash(password)


@cache
def _nobodys_hash() -> str:
    return PasswordHasher().hash("")


def _fits(password_hash: str, password: str) -> bool:
    try:
        return PasswordHasher().verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


class Passwords:
    def __init__(self, store: Store, throttle: Throttle) -> None:
        self._store = store
        self._throttle = throttle

    def require(self, tenant: str, username: str, password: str, address: str) -> User:
        """The user, if the password is theirs; takes some 50 ms and 64 MiB.

        Raises NotAuthenticated, which does not tell an unknown user from a wrong password, and Throttled. `address`
        is where the request comes from.
        """
        username = username[: _MAX_NAME + 1]
        self._throttle.require(tenant, username, address)
        user = self._check(tenant, username, password)
        if user is None:
            self._throttle.failed(tenant, username, address)
            raise NotAuthenticated("Login failed: the username or the password is wrong.")
        self._throttle.succeeded(tenant, username, address)
        return user

    def _check(self, tenant: str, username: str, password: str) -> User | None:
        if len(password) > _MAX_CHARACTERS or "\0" in username:
            return None
        found = self._store.users.find_password(tenant, username)
        if found is None or not found[1]:
            _fits(_nobodys_hash(), password + "?")  # an unknown user takes as long as a wrong password
            return None
        user, password_hash = found
        return user if _fits(password_hash, password) else None

    def is_theirs(self, tenant: str, username: str, password: str) -> bool:
        """Whether the user has this password now; counts for no throttle."""
        return self._check(tenant, username, password) is not None
