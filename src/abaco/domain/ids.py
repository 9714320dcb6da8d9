"""Identifiers: 13 letters and digits from a cryptographic source (77 bits), as long as the ids users know."""

import secrets
import string
from collections.abc import Callable
from hashlib import sha256

__all__ = ["ID_LENGTH", "NewId", "actor_dbid", "digest", "has_id_shape", "new_id", "new_nonce", "new_secret"]

ID_LENGTH = 13
_ALPHABET = (string.ascii_letters + string.digits).encode()
_LETTERS = bytes(_ALPHABET[byte % len(_ALPHABET)] for byte in range(256))
_UNFAIR = bytes(range(256 - 256 % len(_ALPHABET), 256))
"""Bytes left over once each letter stands for equally many."""
_RANDOM_BYTES = 2 * ID_LENGTH

NewId = Callable[[], str]


def new_id() -> str:
    """A fresh id; unlike upstream's, nobody can guess it from the time of creation."""
    while True:  # once, but for one time in 10**14
        letters = secrets.token_bytes(_RANDOM_BYTES).translate(_LETTERS, _UNFAIR)
        if len(letters) >= ID_LENGTH:
            return letters[:ID_LENGTH].decode()


def new_secret() -> str:
    """A bearer secret of 256 bits."""
    return secrets.token_hex(32)


def digest(secret: str) -> str:
    """What is kept of a token, a nonce or a client's secret: so many random bits need no slow hash."""
    return sha256(secret.encode(errors="surrogateescape")).hexdigest()


def new_nonce(tenant: str) -> str:
    """A nonce of 160 random bits; its tenant is everything before the last underscore."""
    return f"{tenant}_{secrets.token_hex(20)}"


def has_id_shape(text: str) -> bool:
    """Whether `text` could be the id of an actor, an execution or a worker."""
    return len(text) == ID_LENGTH and text.isascii() and text.isalnum()


def actor_dbid(tenant: str, actor_id: str) -> str:
    """The internal id that containers see as ``_abaco_actor_dbid``."""
    return f"{tenant}_{actor_id}"
