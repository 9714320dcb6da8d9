"""An OAuth client: the key and secret with which a user's programs ask for tokens."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from abaco.errors import InvalidInput

__all__ = ["GrantRefused", "OAuthClient", "Refusal", "require_client_name"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@ -]{0,63}")
_MAX_TEXT = 1_000
"""Characters of a description or a callback URL."""


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """A user's client, by `name` among theirs and by `key` everywhere. Its secret is kept as a hash only."""

    tenant: str
    username: str
    name: str
    key: str
    description: str
    callback_url: str
    tier: str
    created_at: datetime

    def __post_init__(self) -> None:
        require_client_name(self.name)
        for field, text in (("description", self.description), ("callbackUrl", self.callback_url), ("tier", self.tier)):
            if len(text) > _MAX_TEXT or "\0" in text:
                raise InvalidInput(f"{field} may have {_MAX_TEXT} characters, none of them NUL.")


class Refusal(StrEnum):
    """Why no token was granted, in the words of RFC 6749."""

    INVALID_REQUEST = "invalid_request"
    INVALID_CLIENT = "invalid_client"
    INVALID_GRANT = "invalid_grant"
    UNAUTHORIZED_CLIENT = "unauthorized_client"
    UNSUPPORTED_GRANT_TYPE = "unsupported_grant_type"


class GrantRefused(InvalidInput):
    """No token was granted."""

    def __init__(self, refusal: Refusal, message: str) -> None:
        super().__init__(message)
        self.refusal = refusal


def require_client_name(text: str) -> str:
    """Return `text` if it can name a client, else raise InvalidInput."""
    if _NAME.fullmatch(text) is None:
        raise InvalidInput(
            "clientName must have 1 to 64 letters, digits, spaces, '-', '_', '.' or '@', the first a letter or digit."
        )
    return text
