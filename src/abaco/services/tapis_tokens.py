"""Tokens that Tapis clients can read: JWTs signed with the server's own RSA key (RS256).

What makes one good is its hash among the tokens we keep, as with every other token: so it can be revoked. The
signature is for clients, which look their tenant's public key up and take nothing that is not signed.
"""

from functools import cached_property

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import RSAKey

from abaco.domain.ids import NewId
from abaco.domain.tenant import Tenant
from abaco.ports import Clock, StoredToken
from abaco.services.tokens import Mint

__all__ = ["TapisTokens"]

_BITS = 2048


class TapisTokens:
    """Signs with the private key of `pem`."""

    def __init__(self, pem: str, clock: Clock, new_id: NewId) -> None:
        self._pem = pem
        self._clock = clock
        self._new_id = new_id

    @staticmethod
    def new_key() -> str:
        key = generate_private_key(public_exponent=65537, key_size=_BITS)
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    @cached_property
    def _key(self) -> RSAKey:
        return RSAKey.import_key(self._pem)

    @cached_property
    def public_key(self) -> str:
        """PEM, as ``/v3/tenants`` shows it."""
        return self._key.as_pem(private=False).decode()

    def minting(self, tenant: Tenant, base_url: str) -> Mint:
        """Makes tokens of this tenant, whose API is at `base_url`."""

        def mint(token: StoredToken) -> str:
            assert token.expires_at is not None  # noqa: S101 - granted tokens expire
            claims = {
                "jti": self._new_id() + self._new_id(),
                "iss": f"{base_url}/v3/tokens",
                "sub": f"{token.username}@{tenant.id.lower()}",
                "tapis/tenant_id": tenant.id.lower(),
                "tapis/token_type": token.kind,
                "tapis/delegation": False,
                "tapis/username": token.username,
                "tapis/account_type": "user",
                "iat": int(self._clock.now().timestamp()),
                "exp": int(token.expires_at.timestamp()),
            }
            return jwt.encode({"alg": "RS256", "typ": "JWT"}, claims, self._key)

        return mint
