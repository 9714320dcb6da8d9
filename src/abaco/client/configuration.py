"""Which server, and as whom: what is said, else the environment, else ``abaco login``, else an old client's session."""

import os
from dataclasses import dataclass

import httpx

from abaco.client import agave, credentials
from abaco.client.polling import Clock
from abaco.client.sign_in import NOBODY, Bearer, Lacking, Nonce, Passwords
from abaco.errors import InvalidInput, NotAuthenticated

__all__ = ["Identity", "find_server"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Identity:
    """What a caller says of who they are; None is not said."""

    token: str | None = None
    username: str | None = None
    password: str | None = None
    nonce: str | None = None
    is_anonymous: bool = False
    """Whether nothing at all will do, for a server that asks nobody."""

    def require_one(self) -> None:
        """Raises InvalidInput for several kinds of credentials, or half a kind."""
        by_name = self.username is not None or self.password is not None
        if (self.token is not None) + by_name + (self.nonce is not None) > 1:
            raise InvalidInput("give one kind of credentials: token=, or username= and password=, or nonce=.")
        if by_name and (not self.username or self.password is None):
            raise InvalidInput("username= and password= belong together: give both.")

    def auth(self, server: str, clock: Clock) -> httpx.Auth:
        """How requests to `server` (its base URL) show it.

        Stored credentials go to the server they were stored for and to no other. Raises NotAuthenticated if none are
        known.
        """
        if self.nonce is not None:
            return Nonce(self.nonce)
        if self.username is not None and self.password is not None:
            return Bearer(None, clock, Passwords(server, self.username, self.password))
        token = self.token if self.token is not None else _said("ABACO_TOKEN")
        if token is not None:
            return Bearer(token, clock)
        return self._remembered(server, clock)

    def basic(self) -> httpx.Auth:
        """How requests show it that need a name and a password."""
        if self.username is None or self.password is None:
            return Lacking("OAuth clients are their users' own: sign in with username= and password=.")
        return httpx.BasicAuth(self.username, self.password)

    def _remembered(self, server: str, clock: Clock) -> httpx.Auth:
        stored = credentials.read()
        if stored is not None and stored.server == server:
            return Bearer(stored.token, clock)
        session = agave.read(server)
        if session is not None:
            return Bearer(session.token, clock, session if session.can_refresh else None, session.expires_in)
        if self.is_anonymous:
            return NOBODY
        raise NotAuthenticated(f"no token is known for {server}: give one, or set ABACO_TOKEN")


def find_server(said: str | None) -> str:
    """The server's base URL as it was said or is remembered. Raises NotAuthenticated if none is."""
    address = said if said is not None else _said("ABACO_SERVER")
    if address is not None:
        return address
    stored = credentials.read()
    if stored is not None:
        return stored.server
    session = agave.read(None)
    if session is None:
        raise NotAuthenticated("no server is known: give its address, or set ABACO_SERVER")
    return session.server


def _said(variable: str) -> str | None:
    """An empty variable says nothing."""
    return os.environ.get(variable) or None
