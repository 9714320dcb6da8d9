"""Sealing what the database must not show to whoever reads it: secret configs, nonces."""

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from abaco.errors import InternalError

__all__ = ["Vault"]


class Vault:
    """Seals with the first of `keys` and unseals with any: former keys stay until all is sealed anew.

    Fernet (AES-128-CBC with HMAC-SHA256); keys are 32 bytes in URL-safe base64, as ``Fernet.generate_key`` makes them.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._first = Fernet(keys[0])
        self._all = MultiFernet([Fernet(key) for key in keys])

    @staticmethod
    def new_key() -> str:
        return Fernet.generate_key().decode()

    def seal(self, text: str) -> str:
        return self._first.encrypt(text.encode()).decode()

    def unseal(self, sealed: str) -> str:
        """The text; raises InternalError if none of the keys opens it."""
        try:
            return self._all.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise InternalError("A secret cannot be read: the server's encryption key is not the one it had.") from None
