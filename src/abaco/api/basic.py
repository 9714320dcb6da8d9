"""Sign-ins with a password: HTTP Basic, and a narrow gate, since each costs much memory and time by design."""

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread
from litestar import Request

from abaco.domain.user import User
from abaco.errors import NotAuthenticated, Throttled
from abaco.services.passwords import Passwords
from abaco.services.tenants import Tenants

__all__ = ["Gate", "SignIn", "address_of", "basic_of", "host_of", "require_basic"]

T = TypeVar("T")
_AT_ONCE = 2
_MAX_WAITING = 64
"""At 50 ms each a wait of some seconds; beyond that it is a flood."""


class Gate:
    """Lets two sign-ins through at a time, so that a flood of them takes neither the threads nor the memory."""

    def __init__(self) -> None:
        self._limiter = CapacityLimiter(_AT_ONCE)

    async def run(self, sign_in: Callable[[], T]) -> T:
        """What `sign_in` returns, in a thread; raises Throttled if too many wait already."""
        if self._limiter.statistics().tasks_waiting >= _MAX_WAITING:
            raise Throttled("Too many sign-ins at once: try again in some seconds.")
        return await to_thread.run_sync(sign_in, limiter=self._limiter)


class SignIn:
    """Runs a use case as the user whose name and password came with the request."""

    def __init__(self, passwords: Passwords, tenants: Tenants, gate: Gate) -> None:
        self._passwords = passwords
        self._tenants = tenants
        self._gate = gate

    async def call(self, request: Request[Any, Any, Any], use_case: Callable[[User, str], T]) -> T:
        """What `use_case` returns for the user and the base URL of their tenant, which is the one of the host.

        Raises NotAuthenticated, or Throttled.
        """
        name, password = require_basic(request)
        host, address = host_of(request), address_of(request)

        def signed_in() -> T:
            tenant = self._tenants.of_host(host)
            user = self._passwords.require(tenant.id, name, password, address)
            return use_case(user, self._tenants.base_url(tenant))

        return await self._gate.run(signed_in)


def require_basic(request: Request[Any, Any, Any]) -> tuple[str, str]:
    """Name and password; raises NotAuthenticated without them."""
    basic = basic_of(request)
    if basic is None:
        raise NotAuthenticated("Sign in with your username and password (HTTP Basic).")
    return basic


def basic_of(request: Request[Any, Any, Any]) -> tuple[str, str] | None:
    """Name and password of ``Authorization: Basic``, if it is there; raises NotAuthenticated if it is unreadable."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (NotBase64, ValueError):
        colon = ""
    if not colon:
        raise NotAuthenticated("The header 'Authorization: Basic' cannot be read.")
    return name, password


def address_of(request: Request[Any, Any, Any]) -> str:
    """Where the request comes from: its connection's other end, which nobody can make up."""
    client = request.scope.get("client")
    return str(client[0]) if client else ""


def host_of(request: Request[Any, Any, Any]) -> str:
    return request.headers.get("host", "")
