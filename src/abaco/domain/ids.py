"""Identifiers: 13 letters and digits, as long as the ids users know, with 65 bits from a cryptographic source."""

import secrets
import string
from collections.abc import Callable
from hashlib import sha256
from time import monotonic_ns

__all__ = ["ID_LENGTH", "NewId", "actor_dbid", "digest", "has_id_shape", "new_id", "new_nonce", "new_secret"]

ID_LENGTH = 13
_ALPHABET = (string.ascii_letters + string.digits).encode()
_LETTERS = bytes(_ALPHABET[byte % len(_ALPHABET)] for byte in range(256))
_UNFAIR = bytes(range(256 - 256 % len(_ALPHABET), 256))
"""Bytes left over once each letter stands for equally many."""
_HEAD_LENGTH = 2
_RANDOM_LETTERS = ID_LENGTH - _HEAD_LENGTH
_RANDOM_BYTES = 2 * _RANDOM_LETTERS
_HEAD_NANOSECONDS = 30_000_000
"""How long ids begin alike: the posts of one transaction or two."""

NewId = Callable[[], str]


def new_id() -> str:
    """A fresh id; unlike upstream's, nobody can guess it from the time of creation.

    Those that are made together begin alike, and so lie together in the database's indexes: a transaction then changes
    a few pages of these, not one for each id. The two letters go round, and begin anew every two minutes.
    """
    tick, size = monotonic_ns() // _HEAD_NANOSECONDS, len(_ALPHABET)
    head = bytes((_ALPHABET[tick // size % size], _ALPHABET[tick % size]))
    while True:  # once, but for one time in 10**12
        letters = secrets.token_bytes(_RANDOM_BYTES).translate(_LETTERS, _UNFAIR)
        if len(letters) >= _RANDOM_LETTERS:
            return (head + letters[:_RANDOM_LETTERS]).decode()


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
