"""Credentials of a request, and the one way from a request to a use case."""

from collections.abc import Callable
from typing import Any, TypeVar

from anyio import to_thread
from litestar import Request

from abaco.api.params import query_value
from abaco.domain.credentials import Bearer, Credentials, GatewayJwt, NonceUse, TapisToken
from abaco.domain.permission import Level
from abaco.domain.user import Principal
from abaco.errors import InvalidInput, NotAuthenticated, NotFound
from abaco.services.identity import Identity

__all__ = ["Caller", "credentials_of"]

T = TypeVar("T")
_GATEWAY = b"x-jwt-assertion-"


def credentials_of(request: Request[Any, Any, Any]) -> Credentials:
    """What the request shows; raises NotAuthenticated if that is nothing.

    A nonce counts only where nothing else is shown, and is then not consumed in vain.
    """
    # Not `request.headers`, which decodes and copies all of them first.
    for name, value in request.scope["headers"]:
        if name == b"authorization":
            scheme, _, token = value.decode("latin-1").partition(" ")
            if scheme.lower() != "bearer" or not token.strip():
                break
            return Bearer(token.strip())
        if name.startswith(_GATEWAY):
            header = name.decode("latin-1")
            return GatewayJwt(header[len(_GATEWAY) :].upper(), value.decode("latin-1").strip(), header)
        if name == b"x-tapis-token":
            return TapisToken(value.decode("latin-1").strip())
    else:
        nonce = query_value(request, "x-nonce") or request.headers.get("x-nonce", "")
        if nonce:
            return _nonce_use(request, nonce)
    raise NotAuthenticated("No credentials: send the header 'Authorization: Bearer TOKEN'.")


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
        level = Level.EXECUTE if path.endswith("/messages") and request.scope["method"] == "POST" else Level.UPDATE
    return NonceUse(nonce, identifier, level, on_alias="alias" in given)


class Caller:
    """Runs a use case as whoever sent the request, in a thread: services are synchronous."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    async def call(self, request: Request[Any, Any, Any], use_case: Callable[[Principal], T]) -> T:
        """What `use_case` returns for the caller; raises NotAuthenticated or InvalidCredentials before it runs."""
        credentials = credentials_of(request)
        return await to_thread.run_sync(lambda: use_case(self._identity.authenticate(credentials)))
