"""Callers that somebody else vouches for, an API gateway or Tapis: they need no entry among our users."""

from typing import Any

from abaco.domain.credentials import GatewayJwt
from abaco.domain.tenant import Tenant
from abaco.domain.user import Principal, Role, User, require_username
from abaco.errors import InvalidCredentials, InvalidInput, NotPermitted
from abaco.ports import Clock, Store
from abaco.services.signatures import peek, public_key, verified
from abaco.services.tenants import Tenants

__all__ = ["EVERYONE", "Vouchers", "not_removed", "vouched"]

_USER = "http://wso2.org/claims/enduser"
_ROLES = "http://wso2.org/claims/role"
EVERYONE = "Internal/everyone"
"""The role of a JWT that names none."""
_KNOWN_ROLES = {
    "Internal/abaco-admin": Role.ADMIN,
    "Internal/abaco-privileged": Role.PRIVILEGED,
    "Internal/abaco-limited": Role.LIMITED,
}


class Vouchers:
    """`user_role` is the gateway's name of the role that makes an ordinary user."""

    def __init__(self, store: Store, tenants: Tenants, clock: Clock, user_role: str) -> None:
        self._store = store
        self._tenants = tenants
        self._clock = clock
        self._roles = {**_KNOWN_ROLES, user_role: Role.USER}

    def of_gateway(self, given: GatewayJwt) -> Principal:
        """Whom a gateway's JWT names.

        The tenant is the header's, its key must have signed. Raises InvalidCredentials, or NotPermitted if none of
        the roles means anything here.
        """
        tenant = self._tenant(given.tenant)
        claims = self._verified(tenant, given.token)
        name = _name(claims.get(_USER))
        roles = frozenset(self._roles[text] for text in _texts(claims.get(_ROLES)) if text in self._roles)
        if not roles:
            raise NotPermitted("Not authorized -- missing required role.")
        not_removed(self._store, tenant, name)
        return Principal(tenant.id, name, roles, jwt_header=f"X-Jwt-Assertion-{given.tenant}")

    def of_tapis(self, token: str) -> Principal:
        """Whom a Tapis JWT names; its tenant's key must have signed. Roles are those given here, else a user's."""
        tenant = self._tenant(str(peek(token).get("tapis/tenant_id", "")))
        claims = self._verified(tenant, token)
        if claims.get("tapis/token_type", "access") != "access":
            raise InvalidCredentials("Invalid Credentials: this is not an access token.")
        name = _name(claims.get("tapis/username"))
        return vouched(tenant, name, not_removed(self._store, tenant, name))

    def _tenant(self, name: str) -> Tenant:
        tenant = self._tenants.match(name)
        if tenant is None:
            raise InvalidCredentials("Invalid Credentials: the JWT is for a tenant that does not exist here.")
        return tenant

    def _verified(self, tenant: Tenant, token: str) -> dict[str, Any]:
        if tenant.gateway_public_key is None:
            raise InvalidCredentials(
                "Invalid Credentials: this token is none of ours that is still good, and tenant "
                f"{tenant.id} has no public key for JWTs of others.",
            )
        return verified(token, public_key(tenant.gateway_public_key), self._clock.now())


def not_removed(store: Store, tenant: Tenant, name: str) -> User | None:
    """The user if we know them; raises InvalidCredentials if an administrator removed them here."""
    user = store.users.find(tenant.id, name)
    if user is not None and user.is_removed:
        raise InvalidCredentials("Invalid Credentials: this user was removed.")
    return user


def vouched(tenant: Tenant, name: str, known: User | None) -> Principal:
    """A caller by name only: with the roles that our users have, else as an ordinary user."""
    return Principal(tenant.id, name, known.roles if known else frozenset({Role.USER}))


def _name(claim: Any) -> str:
    """The user's name, cut at the @ behind which a gateway writes the tenant."""
    try:
        return require_username(str(claim or "").split("@")[0])
    except InvalidInput:
        raise InvalidCredentials("Invalid Credentials: the JWT does not name a user.") from None


def _texts(claim: Any) -> list[str]:
    """Roles as text with commas or as a list."""
    texts = claim if isinstance(claim, list) else str(claim or "").split(",")
    return [str(text).strip() for text in texts if str(text).strip()] or [EVERYONE]
