"""Which server a verb talks to, and as whom."""

import time
from dataclasses import dataclass

import httpx
import typer

from abaco.client import Abaco, Clock

__all__ = ["Session", "connect", "session_of"]


@dataclass
class Session:
    """What the options before the verb said; `transport` and `clock` are handed to the client."""

    server: str | None = None
    token: str | None = None
    transport: httpx.BaseTransport | None = None
    clock: Clock = time

    def open(self, server: str | None, token: str | None) -> Abaco:
        return Abaco(server, token, transport=self.transport, clock=self.clock)


def session_of(ctx: typer.Context) -> Session:
    session = ctx.obj
    if not isinstance(session, Session):
        raise TypeError("the command line was started without a session")
    return session


def connect(ctx: typer.Context) -> Abaco:
    """A client for the verb: options and environment first, then what is remembered, as `Abaco` does without options.

    Raises NotAuthenticated if server or token are not known.
    """
    session = session_of(ctx)
    return session.open(session.server, session.token or None)
