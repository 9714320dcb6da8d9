"""The client itself: one connection, one attribute a resource."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self, Unpack

import httpx

from abaco.client.actors import ActorAttributes, Actors
from abaco.client.configuration import Identity, find_server
from abaco.client.connection import Connection, checked_address, path
from abaco.client.executions import Executions
from abaco.client.files import Files
from abaco.client.handle import ActorHandle
from abaco.client.images import Images
from abaco.client.logs import Logs
from abaco.client.messages import Messages
from abaco.client.operations.accounts import (
    ClientsOperations,
    ProfilesOperations,
    TenantsOperations,
    TokensOperations,
)
from abaco.client.polling import Clock
from abaco.client.results import Results
from abaco.client.run import Resources
from abaco.client.sign_in import NOBODY
from abaco.client.state import State
from abaco.errors import Conflict, NotFound

__all__ = ["Abaco"]


class Abaco:
    """An Abaco server as one user sees it. Close it, or use it in a ``with``; not for several threads at once.

    `api_server` is the server's base URL (``http://localhost:8000``). One kind of credentials says who the user is:
    an access `token`; `username` and `password`, for which tokens are got when they are needed; or a `nonce`. What is
    not given is looked for in the variables ``ABACO_SERVER`` and ``ABACO_TOKEN``, then in what ``abaco login`` stored,
    then in the sessions of agavepy and tapispy; a stored token goes to the server it was stored for and to no other.

    `tenant` is for servers that ask nobody who they are: it names the tenant, and no credentials are needed.
    `timeout` are the seconds to wait for the server's next word. `transport` and `clock` stand in for network and
    time in tests.

    Raises InvalidInput for an address that is not a URL and for several kinds of credentials, NotAuthenticated where
    a server or credentials are not known, InvalidCredentials for a token or nonce that no request can carry.
    """

    def __init__(
        self,
        api_server: str | None = None,
        token: str | None = None,
        *,
        username: str | None = None,
        password: str | None = None,
        nonce: str | None = None,
        tenant: str | None = None,
        transport: httpx.BaseTransport | None = None,
        timeout: float = 30.0,
        clock: Clock = time,
    ) -> None:
        who = Identity(token=token, username=username, password=password, nonce=nonce, is_anonymous=tenant is not None)
        who.require_one()
        self.api_server = checked_address(find_server(api_server))
        self._connection = Connection(
            self.api_server,
            who.auth(self.api_server, clock),
            headers={} if tenant is None else {"tenant": tenant},
            transport=transport,
            timeout=timeout,
            clock=clock,
        )
        self.clients = ClientsOperations(self._connection, who.basic())
        self.profiles = ProfilesOperations(self._connection)
        self.tokens = TokensOperations(self._connection, NOBODY)
        self.tenants = TenantsOperations(self._connection, NOBODY)
        self.actors = Actors(self._connection, clock)
        self.messages = Messages(self._connection)
        self.executions = Executions(self._connection, clock)
        self.logs = Logs(self._connection, clock)
        self.results = Results(self._connection, clock)
        self.state = State(self._connection)
        self.images = Images(self._connection)
        self.files = Files(self._connection, clock)

        self._resources = Resources(self.actors, self.messages, self.executions, self.logs, self.results, clock)

    def actor(self, name: str) -> ActorHandle:
        """The actor with that id or alias, to send it messages; nothing is asked of the server yet."""
        path(name)
        return ActorHandle(self._resources, name)

    @contextmanager
    def temporary_actor(
        self, image: str, timeout: float | None = None, **attributes: Unpack[ActorAttributes]
    ) -> Iterator[ActorHandle]:
        """For a ``with``: an actor of `image`, ready for messages, that is deleted at the end.

        Raises Conflict if it does not become READY, TimeoutError if it has not after `timeout` seconds (None: never).
        """
        actor = self.actor(self.actors.add(image, **attributes).id)
        try:
            registered = actor.wait(timeout)
            if registered.status == "ERROR":
                raise Conflict(f"the actor of {image} is in ERROR: {registered.status_message}")
            yield actor
        finally:
            with suppress(NotFound):
                actor.delete()

    def __repr__(self) -> str:
        return f"Abaco({self.api_server!r})"

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
