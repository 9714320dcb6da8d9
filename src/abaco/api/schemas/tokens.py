"""Tokens."""

from msgspec import UNSET, Struct, UnsetType

__all__ = [
    "Granted",
    "Nothing",
    "OAuthFailure",
    "Revocation",
    "TapisGrant",
    "TapisRequest",
    "TapisRevocation",
    "TokenRequest",
]


class TokenRequest(Struct, kw_only=True):
    """What RFC 6749 asks for, as a form; the client stands in HTTP Basic or here."""

    grant_type: str
    username: str | UnsetType = UNSET
    password: str | UnsetType = UNSET
    refresh_token: str | UnsetType = UNSET
    token_username: str | UnsetType = UNSET
    client_id: str | UnsetType = UNSET
    client_secret: str | UnsetType = UNSET
    scope: str | UnsetType = UNSET


class Granted(Struct, kw_only=True):
    """Tokens, without an envelope. A program of its own (client_credentials) gets no refresh token."""

    access_token: str
    refresh_token: str | UnsetType = UNSET
    expires_in: int
    token_type: str
    scope: str


class OAuthFailure(Struct):
    """An error in the words of RFC 6749, without an envelope."""

    error: str
    error_description: str


class Revocation(Struct, kw_only=True):
    """What RFC 7009 asks for, as a form."""

    token: str
    token_type_hint: str | UnsetType = UNSET
    client_id: str | UnsetType = UNSET
    client_secret: str | UnsetType = UNSET


class Nothing(Struct):
    """An empty object."""


class TapisAccess(Struct):
    access_token: str
    expires_at: str
    expires_in: int


class TapisRefresh(Struct):
    refresh_token: str
    expires_at: str
    expires_in: int


class TapisGrant(Struct):
    """Tokens as Tapis gives them out."""

    access_token: TapisAccess
    refresh_token: TapisRefresh | UnsetType = UNSET


class TapisRequest(Struct, kw_only=True):
    grant_type: str
    username: str | UnsetType | None = UNSET
    password: str | UnsetType | None = UNSET
    refresh_token: str | UnsetType | None = UNSET


class TapisRevocation(Struct):
    token: str
