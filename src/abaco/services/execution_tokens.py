"""Access tokens of running executions: signed (JWT, HS256), so giving one to every execution costs no row."""

import hmac
import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from abaco.domain.execution import Claim
from abaco.domain.user import ExecutionGrant
from abaco.errors import InvalidCredentials

__all__ = ["ExecutionClaims", "ExecutionTokens"]

_HEADER = {"typ": "abaco-execution+jwt", "alg": "HS256"}


def _base64(data: bytes) -> str:
    """As RFC 7515 has it: for URLs, without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


_HEAD = _base64(json.dumps(_HEADER, separators=(",", ":")).encode()) + "."
_SPARE_SECONDS = 3_600
"""Beyond the run time limit: the attempt's end revokes the token anyway, this bounds a leaked one."""


@dataclass(frozen=True, slots=True)
class ExecutionClaims:
    """What a token says: the attempt it was given to, the actor's owner, and whether it opens only the state."""

    tenant: str
    owner: str
    grant: ExecutionGrant
    state_only: bool


class ExecutionTokens:
    """Issues and reads with one secret of at least 32 bytes, shared by API and engine."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._key = OctKey.import_key(secret)

    @staticmethod
    def looks_like(token: str) -> bool:
        """Whether `token` is meant to be one of these: all begin with the same header."""
        return token.startswith(_HEAD)

    def issue(self, claim: Claim, now: datetime, lifetime_seconds: float, *, owner_token: bool) -> str:
        """The token of one attempt; with `owner_token` it may do all the owner may, else only use the state."""
        claims = {
            "sub": claim.actor.owner,
            "tenant": claim.actor.tenant,
            "actor": claim.actor.id,
            "execution": claim.execution_id,
            "attempt": claim.attempt,
            "state_only": not owner_token,
            "exp": int(now.timestamp() + lifetime_seconds + _SPARE_SECONDS),
        }
        # Written here, and read by the library: its writing takes four times as long, and every message waits for it.
        signed = _HEAD + _base64(json.dumps(claims).encode())
        return f"{signed}.{_base64(hmac.digest(self._secret, signed.encode(), 'sha256'))}"

    def read(self, token: str, now: datetime) -> ExecutionClaims:
        """What `token` says; raises InvalidCredentials if it is not ours, was altered or has expired."""
        try:
            claims = jwt.decode(token, self._key, algorithms=["HS256"]).claims
            if claims["exp"] <= now.timestamp():
                raise InvalidCredentials("Invalid Credentials: the access token has expired.")
            grant = ExecutionGrant(claims["actor"], claims["execution"], claims["attempt"])
            return ExecutionClaims(claims["tenant"], claims["sub"], grant, claims["state_only"])
        except (JoseError, KeyError, TypeError, ValueError):
            raise InvalidCredentials("Invalid Credentials: the access token is not one of this server.") from None
