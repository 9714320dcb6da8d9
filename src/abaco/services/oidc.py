"""Bearer tokens of an OIDC provider: JWTs signed with one of its published keys."""

from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key

from abaco.domain.user import Principal, Role, require_username
from abaco.errors import InvalidCredentials, InvalidInput
from abaco.ports import Clock, Store
from abaco.services.provider_keys import ProviderKeys
from abaco.services.tenants import Tenants
from abaco.services.vouchers import not_removed, vouched

__all__ = ["Oidc", "Provider"]

_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
"""None that works with a shared secret: what is published verifies and must not sign."""
_ROLES = {
    f"{prefix}{role.value}": role
    for role in (Role.ADMIN, Role.PRIVILEGED, Role.LIMITED, Role.USER)
    for prefix in ("abaco_", "abaco-", "Internal/abaco-")
}
_MAX_CHARACTERS = 16_384


@dataclass(frozen=True, slots=True)
class Provider:
    """Whose tokens are taken, for which audience, and which of their claims name user and roles.

    `roles_claim` may lead into objects: ``realm_access.roles``. `tenant` is whom its users belong to.
    """

    issuer: str
    audience: str
    username_claim: str
    roles_claim: str
    tenant: str


class Oidc:
    def __init__(self, provider: Provider, keys: ProviderKeys, store: Store, tenants: Tenants, clock: Clock) -> None:
        self._provider = provider
        self._keys = keys
        self._store = store
        self._tenants = tenants
        self._clock = clock

    def authenticate(self, token: str) -> Principal:
        """Whom the token names; raises InvalidCredentials, or Unavailable while the provider's keys cannot be had.

        Roles are those of the claim if it has any that we know, else those given here, else `user`.
        """
        claims = self._verified(token)
        name = self._name(claims)
        tenant = self._tenants.named(self._provider.tenant)
        known = not_removed(self._store, tenant, name)
        roles = frozenset(_ROLES[text] for text in _texts(_at(claims, self._provider.roles_claim)) if text in _ROLES)
        return Principal(tenant.id, name, roles) if roles else vouched(tenant, name, known)

    def _verified(self, token: str) -> dict[str, Any]:
        def key(value: Any) -> Key:
            return self._keys.get(str(value.headers().get("kid") or ""))

        if len(token) > _MAX_CHARACTERS:
            raise InvalidCredentials("Invalid Credentials: the access token is unknown or has expired.")
        try:
            claims = jwt.decode(token, key, algorithms=_ALGORITHMS).claims
        except (JoseError, ValueError, TypeError, RecursionError):
            raise InvalidCredentials("Invalid Credentials: the access token is unknown or not signed.") from None
        self._require_ours(claims)
        return claims

    def _require_ours(self, claims: dict[str, Any]) -> None:
        """Raises InvalidCredentials if the token is for others, from others, or not for now."""
        audience = claims.get("aud")
        now = self._clock.now().timestamp()
        expires_at, not_before = _time(claims.get("exp")), _time(claims.get("nbf", 0))
        if claims.get("iss") != self._provider.issuer:
            raise InvalidCredentials("Invalid Credentials: the token is of another issuer.")
        if self._provider.audience not in (audience if isinstance(audience, list) else [audience]):
            raise InvalidCredentials("Invalid Credentials: the token is for another audience.")
        if expires_at is None or not_before is None or not not_before <= now < expires_at:
            raise InvalidCredentials("Invalid Credentials: the token has expired, or is not valid yet.")

    def _name(self, claims: dict[str, Any]) -> str:
        claim = self._provider.username_claim
        name = claims.get(claim)
        if claim == "email" and claims.get("email_verified") is False:
            name = None  # anybody can write anybody's address there
        try:
            return require_username(name if isinstance(name, str) else "")
        except InvalidInput:
            raise InvalidCredentials(
                f"Invalid Credentials: the token's claim {claim!r} does not name a user."
            ) from None


def _time(claim: Any) -> float | None:
    """Seconds, or None if it is no number."""
    return claim if isinstance(claim, int | float) and not isinstance(claim, bool) else None


def _at(claims: dict[str, Any], path: str) -> Any:
    """The claim at the end of a dotted path, or None."""
    value: Any = claims
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _texts(claim: Any) -> list[str]:
    if isinstance(claim, str):
        return claim.replace(",", " ").split()
    return [text for text in claim if isinstance(text, str)] if isinstance(claim, list) else []
