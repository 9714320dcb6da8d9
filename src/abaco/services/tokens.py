"""Granting tokens: the OAuth2 grants that stock clients use, refreshing, revoking."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from abaco.domain.client import GrantRefused, OAuthClient, Refusal
from abaco.domain.ids import digest, new_secret
from abaco.domain.user import Role, User
from abaco.errors import NotAuthenticated
from abaco.ports import Clock, Store, StoredToken
from abaco.services.passwords import Passwords

__all__ = ["Ask", "Grant", "Lifetimes", "Mint", "Tokens", "opaque"]

Mint = Callable[[StoredToken], str]
"""Makes the text of a token. It must be one that nobody can guess: what it stands for is looked up by its hash."""


def opaque(_token: StoredToken) -> str:
    """A token that says nothing to its bearer."""
    return new_secret()


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long tokens last."""

    access: timedelta
    refresh: timedelta


@dataclass(frozen=True, slots=True)
class Ask:
    """What a request for a token says; `address` is where it comes from. Secrets do not show in its text."""

    grant_type: str
    address: str
    username: str = ""
    password: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    token_username: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """Tokens as they are shown, once, and until when they last. A program of its own gets no refresh token."""

    access_token: str = field(repr=False)
    access_expires_at: datetime
    refresh_token: str | None = field(default=None, repr=False)
    refresh_expires_at: datetime | None = None


class Tokens:
    def __init__(self, store: Store, passwords: Passwords, clock: Clock, lifetimes: Lifetimes) -> None:
        self._store = store
        self._passwords = passwords
        self._clock = clock
        self.lifetimes = lifetimes

    def grant(self, tenant: str, client: OAuthClient | None, ask: Ask, mint: Mint = opaque) -> Grant:
        """Tokens for what was asked in `tenant`, which is the client's if there is one.

        Raises GrantRefused, or Throttled after too many wrong passwords.
        """
        key = client.key if client else ""
        if ask.grant_type == "refresh_token":
            return self._refresh(tenant, key, ask.refresh_token, mint)
        user = self._who(tenant, client, ask)
        tokens, grant = self._mint(user.tenant, user.name, key, mint, refreshable=ask.grant_type == "password")
        self._store.tokens.add(tokens)
        return grant

    def _who(self, tenant: str, client: OAuthClient | None, ask: Ask) -> User:
        """Whom the tokens will stand for."""
        match ask.grant_type:
            case "password":
                return self._sign_in(tenant, ask)
            case "admin_password" if client:
                if Role.ADMIN not in self._sign_in(tenant, ask).roles:
                    raise GrantRefused(Refusal.INVALID_GRANT, "Only administrators get tokens for others.")
                return self._existing(tenant, ask.token_username)
            case "client_credentials" if client:
                return self._existing(tenant, client.username)
        raise GrantRefused(
            Refusal.UNSUPPORTED_GRANT_TYPE,
            "grant_type must be password, refresh_token, or, with a client, client_credentials or admin_password.",
        )

    def _sign_in(self, tenant: str, ask: Ask) -> User:
        if not ask.username or not ask.password:
            raise GrantRefused(Refusal.INVALID_REQUEST, "username and password are required.")
        try:
            return self._passwords.require(tenant, ask.username, ask.password, ask.address)
        except NotAuthenticated as error:
            raise GrantRefused(Refusal.INVALID_GRANT, error.message) from None

    def _existing(self, tenant: str, name: str) -> User:
        user = self._store.users.find(tenant, name) if name and "\0" not in name else None
        if user is None or user.is_removed:
            raise GrantRefused(Refusal.INVALID_GRANT, f"There is no user {name[:64]!r}.")
        return user

    def _refresh(self, tenant: str, client_key: str, refresh_token: str, mint: Mint) -> Grant:
        """New tokens for a refresh token, which is used up: of two who come with it one is refused."""
        old = digest(refresh_token)
        found = self._store.tokens.find_refresh(old, client_key, self._clock.now())
        # Or a signed token would name the user as one of a tenant that they only asked by the host of.
        if found is not None and found.tenant == tenant:
            tokens, grant = self._mint(found.tenant, found.username, client_key, mint, refreshable=True)
            if self._store.tokens.rotate(old, tokens):
                return grant
        raise GrantRefused(
            Refusal.INVALID_GRANT, "The refresh token is unknown, expired or used already: sign in again."
        )

    def _mint(
        self, tenant: str, username: str, client_key: str, mint: Mint, *, refreshable: bool
    ) -> tuple[dict[str, StoredToken], Grant]:
        now = self._clock.now()
        access = StoredToken(tenant, username, now + self.lifetimes.access, "access", client_key)
        refresh = StoredToken(tenant, username, now + self.lifetimes.refresh, "refresh", client_key)
        access_text = mint(access)
        tokens = {digest(access_text): access}
        if not refreshable:
            return tokens, Grant(access_text, now + self.lifetimes.access)
        refresh_text = mint(refresh)
        tokens[digest(refresh_text)] = refresh
        return tokens, Grant(access_text, now + self.lifetimes.access, refresh_text, now + self.lifetimes.refresh)

    def revoke(self, token: str, client: OAuthClient | None) -> None:
        """Make a token worthless; a refresh token takes along all that its user got from the same client.

        Nothing happens if it is unknown, or was granted to another client. Without a client, having a token is
        enough.
        """
        self._store.tokens.revoke(digest(token), client.key if client else None)
