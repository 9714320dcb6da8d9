"""Credentials of a request, and the one way from a request to a use case."""

from collections.abc import Callable
from typing import Any, TypeVar

from anyio import to_thread
from litestar import Request

from abaco.domain.user import Principal
from abaco.errors import NotAuthenticated
from abaco.services.identity import Identity

__all__ = ["Caller", "bearer_token"]

T = TypeVar("T")


def bearer_token(request: Request[Any, Any, Any]) -> str:
    """The token of the Authorization header; raises NotAuthenticated if there is none."""
    # Not `request.headers`, which decodes and copies all of them first.
    header = next((value for name, value in request.scope["headers"] if name == b"authorization"), b"")
    scheme, _, token = header.decode("latin-1").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotAuthenticated("No credentials: send the header 'Authorization: Bearer TOKEN'.")
    return token.strip()


class Caller:
    """Runs a use case as whoever sent the request, in a thread: services are synchronous."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    async def call(self, request: Request[Any, Any, Any], use_case: Callable[[Principal], T]) -> T:
        """What `use_case` returns for the caller; raises NotAuthenticated or InvalidCredentials before it runs."""
        token = bearer_token(request)
        return await to_thread.run_sync(lambda: use_case(self._identity.authenticate(token)))
