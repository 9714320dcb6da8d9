"""Credentials of a request, and the one way from a request to a use case."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_address
from typing import Any, TypeVar
from urllib.parse import urlsplit

from anyio import CapacityLimiter, to_thread
from litestar import Request

from abaco.api.params import query_value
from abaco.domain.credentials import Anonymous, Bearer, Credentials, GatewayJwt, NonceUse, TapisToken
from abaco.domain.permission import Level
from abaco.domain.user import Principal
from abaco.errors import InvalidInput, NotAuthenticated, NotFound, NotPermitted
from abaco.services.execution_tokens import ExecutionTokens
from abaco.services.identity import Identity

__all__ = ["Caller", "credentials_of"]

T = TypeVar("T")
_GATEWAY = b"x-jwt-assertion-"
_ASSERTION_TENANT = "DEV_STAGING"
"""Whom the contract has the header ``Assertion`` stand for."""


def credentials_of(request: Request[Any, Any, Any]) -> Credentials:
    """What the request shows; raises NotAuthenticated if that is nothing.

    A nonce counts only where nothing else is shown, and is then not consumed in vain.
    """
    if request.scope["state"]["open"]:
        return _of_everyone(request)
    shown = _of_headers(request)
    if shown is not None:
        return shown
    nonce = query_value(request, "x-nonce") or request.headers.get("x-nonce", "")
    if nonce:
        return _nonce_use(request, nonce)
    raise NotAuthenticated("No credentials: send the header 'Authorization: Bearer TOKEN'.")


def _of_headers(request: Request[Any, Any, Any]) -> Credentials | None:
    """A gateway's word goes before what its client sent it; raises NotAuthenticated for an unusable Authorization."""
    found: Credentials | None = None
    # Not `request.headers`, which decodes and copies all of them first.
    for name, value in request.scope["headers"]:
        if name == b"authorization":
            found = found or _bearer(value.decode("latin-1"))
        elif name.startswith(_GATEWAY):
            header = name.decode("latin-1")
            return GatewayJwt(header[len(_GATEWAY) :].upper(), value.decode("latin-1").strip(), header)
        elif name == b"assertion":
            return GatewayJwt(_ASSERTION_TENANT, value.decode("latin-1").strip(), "assertion")
        elif name == b"x-tapis-token":
            found = TapisToken(value.decode("latin-1").strip())
    return found


def _bearer(value: str) -> Bearer:
    scheme, _, token = value.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotAuthenticated("No credentials: send the header 'Authorization: Bearer TOKEN'.")
    return Bearer(token.strip())


def _of_everyone(request: Request[Any, Any, Any]) -> Credentials:
    """Who calls a server that asks nobody: only running executions are told apart, by the tokens they were given.

    Raises NotPermitted for what a web page sends, which runs on this machine but in the name of a stranger. Browsers
    name the page in Origin; in Host they name what they resolved, so a page's own name that was made to point here
    shows, too.
    """
    host, origin = request.headers.get("host", ""), request.headers.get("origin")
    own_page = origin is None or origin in {f"http://{host}", f"https://{host}"}
    if not own_page or request.headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
        raise NotPermitted("This server asks for no credentials, and so takes no requests from other web pages.")
    if not _is_loopback(host):
        raise NotPermitted("This server asks for no credentials, and so is reached as localhost only.")
    with suppress(NotAuthenticated):  # whatever else is sent does not matter
        shown = _of_headers(request)
        if isinstance(shown, Bearer | TapisToken) and ExecutionTokens.looks_like(shown.token):
            return shown
    return Anonymous(request.headers.get("tenant") or None)


def _is_loopback(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


def _nonce_use(request: Request[Any, Any, Any], nonce: str) -> NonceUse:
    """The level is what the contract asks of the method (7.7); the scope is the actor or alias in the URL."""
    path, given = request.scope["path"], request.path_params
    identifier = given.get("actor_id") or given.get("alias")
    if identifier is None:
        if path.startswith(("/actors/v2/search/", "/actors/v2/aliases")):
            raise NotFound("A nonce opens an actor or an alias only: this endpoint is neither.")
        raise InvalidInput("A nonce opens an actor or an alias only: use another kind of credentials here.")
    if request.scope["method"] == "GET":
        level = Level.READ
    else:
        method = request.scope["method"]
        posts = method == "POST" and path.endswith(("/messages", "/messages/batch"))
        # Files go with messages that are too large without.
        level = Level.EXECUTE if posts or (method == "PUT" and "digest" in given) else Level.UPDATE
    return NonceUse(nonce, identifier, level, on_alias="alias" in given)


class Caller:
    """Runs a use case as whoever sent the request, in a thread: services are synchronous."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    async def call(
        self,
        request: Request[Any, Any, Any],
        use_case: Callable[[Principal], T],
        limiter: CapacityLimiter | None = None,
    ) -> T:
        """What `use_case` returns for the caller; raises NotAuthenticated or InvalidCredentials before it runs.

        `limiter` bounds how many of its kind run at once, for those that may take long.
        """
        credentials = credentials_of(request)
        return await to_thread.run_sync(lambda: use_case(self._identity.authenticate(credentials)), limiter=limiter)

    def may_take_long(self, credentials: Credentials) -> bool:
        """Whether finding out who sent a request may mean to wait for somebody else's server."""
        return self._identity.may_take_long(credentials)

    async def identify(self, credentials: Credentials) -> Principal:
        """Who sent a request, for what takes more than one use case: a nonce is counted once."""
        return await to_thread.run_sync(self._identity.authenticate, credentials)

    def count(self, credentials: Credentials, times: int) -> None:
        """Count so many more uses, if a nonce is shown; raises NotPermitted if it has not got them. Blocks."""
        if times and isinstance(credentials, NonceUse):
            self._identity.authenticate(replace(credentials, times=times))
