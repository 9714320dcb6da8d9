"""An OIDC provider, as far as we ask it anything."""

from typing import Protocol

__all__ = ["KeySource", "ProviderError"]


class ProviderError(Exception):
    """The provider did not answer, or not with what was asked; the text says so and holds nothing secret."""


class KeySource(Protocol):
    def fetch(self) -> bytes:
        """The provider's public keys, a JWKS document in JSON; returns within some seconds.

        Raises ProviderError.
        """
