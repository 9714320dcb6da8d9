"""Sealing what the database must not show to whoever reads it: secret configs, nonces."""

from collections.abc import Callable, Sequence
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from abaco.errors import InternalError

__all__ = ["Vault"]


@lru_cache(maxsize=4)
def _opener(keys: tuple[str, ...]) -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError:  # whose text may show the key
        raise InternalError("The server's encryption key cannot be read: restore its file from a backup.") from None


class Vault:
    """Seals with the first of the keys and unseals with any: former keys stay until all is sealed anew.

    `read_keys` is asked every time, so that a key that an administrator rotates is used at once by every process.
    Fernet (AES-128-CBC with HMAC-SHA256); keys are 32 bytes in URL-safe base64, as ``Fernet.generate_key`` makes them.
    """

    def __init__(self, read_keys: Callable[[], Sequence[str]]) -> None:
        self._read_keys = read_keys

    @staticmethod
    def new_key() -> str:
        return Fernet.generate_key().decode()

    def seal(self, text: str) -> str:
        return _opener(tuple(self._read_keys())).encrypt(text.encode()).decode()

    def unseal(self, sealed: str) -> str:
        """The text; raises InternalError if none of the keys opens it."""
        try:
            return _opener(tuple(self._read_keys())).decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise InternalError("A secret cannot be read: the server's encryption key is not the one it had.") from None

    def is_current(self, sealed: str) -> bool:
        """Whether the first key alone opens it."""
        try:
            _opener(tuple(self._read_keys()[:1])).decrypt(sealed.encode())
        except InvalidToken:
            return False
        return True
