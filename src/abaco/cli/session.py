"""Which server a verb talks to, and as whom."""

import time
from dataclasses import dataclass

import httpx
import typer

from abaco.cli import credentials
from abaco.client import Abaco, Clock
from abaco.errors import NotAuthenticated

__all__ = ["Session", "connect", "session_of"]


@dataclass
class Session:
    """What the options before the verb said; `transport` and `clock` are handed to the client."""

    server: str | None = None
    token: str | None = None
    transport: httpx.BaseTransport | None = None
    clock: Clock = time

    def open(self, server: str, token: str) -> Abaco:
        return Abaco(server, token, transport=self.transport, clock=self.clock)


def session_of(ctx: typer.Context) -> Session:
    session = ctx.obj
    if not isinstance(session, Session):
        raise TypeError("the command line was started without a session")
    return session


def connect(ctx: typer.Context) -> Abaco:
    """A client for the verb: options and environment first, then what `abaco login` stored.

    A stored token goes to the server it was stored for and to no other. Raises NotAuthenticated if one is missing.
    """
    session = session_of(ctx)
    stored = credentials.read()
    server = session.server or (stored.server if stored else None)
    if server is None:
        raise NotAuthenticated("no server is known: give --server URL or set ABACO_SERVER")
    if session.token:
        return session.open(server, session.token)
    if stored is None or stored.server != server.rstrip("/"):
        raise NotAuthenticated(f"no token is known for {server}: give --token T or set ABACO_TOKEN")
    return session.open(server, stored.token)
