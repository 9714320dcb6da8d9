"""The keys of an OIDC provider, kept for a while: it is asked rarely and by one thread at a time; nobody waits."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from threading import Lock

from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key

from abaco.errors import InvalidCredentials, Unavailable
from abaco.ports import Clock, KeySource, ProviderError

__all__ = ["ProviderKeys"]

_FRESH = timedelta(hours=1)
_ASK_AGAIN = timedelta(seconds=30)
"""Between two requests, whatever key ids come in: they are whatever strangers write."""
_MIN_BITS = 2048
_GOOD = timedelta(hours=24)
"""How long keys outlive a provider that does not answer."""


class ProviderKeys:
    """Safe to use from several threads: one of them asks the provider, the others go on with what is there."""

    def __init__(self, source: KeySource, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._keys: Mapping[str, Key] = {}
        self._fetched_at: datetime | None = None
        self._asked_at: datetime | None = None
        self._asking = Lock()

    def get(self, key_id: str) -> Key:
        """The key of this id; without an id the only one there is.

        Raises InvalidCredentials if there is none, Unavailable if that cannot be known now.
        """
        now = self._clock.now()
        key = self._find(key_id, now)
        if key is None or self._is_old(now, _FRESH):
            self.refresh()
            key = self._find(key_id, now)
        if key is not None:
            return key
        if self._is_old(now, _GOOD) or self._asking.locked():
            raise Unavailable("The keys of the identity provider cannot be had now; try again later.")
        raise InvalidCredentials("Invalid Credentials: the token is signed with an unknown key.")

    def refresh(self) -> None:
        """Ask the provider, unless somebody does or did just now. Keeps what there is if it fails."""
        if not self._asking.acquire(blocking=False):
            return
        try:
            now = self._clock.now()
            if self._asked_at is None or now - self._asked_at >= _ASK_AGAIN:
                self._asked_at = now
                self._keys = _parsed(self._source.fetch())
                self._fetched_at = now
        except ProviderError:
            pass  # what there is stays good for a while, and requests say what they lack
        finally:
            self._asking.release()

    def _find(self, key_id: str, now: datetime) -> Key | None:
        if self._is_old(now, _GOOD):
            return None
        if not key_id and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(key_id)

    def _is_old(self, now: datetime, age: timedelta) -> bool:
        return self._fetched_at is None or now - self._fetched_at >= age


def _is_strong(entry: Mapping[str, object]) -> bool:
    """An elliptic curve, or RSA of 2048 bits and more: the modulus stands in base64, 6 bits a character."""
    return entry.get("kty") == "EC" or (entry.get("kty") == "RSA" and len(str(entry.get("n"))) * 6 >= _MIN_BITS)


def _parsed(document: bytes) -> dict[str, Key]:
    """The signing keys by id; those that cannot be read are left out. Raises ProviderError if it is no key set."""
    try:
        found = json.loads(document)["keys"]
        entries = [entry for entry in found if isinstance(entry, dict)]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ProviderError("The identity provider's keys are not a JWKS document.") from None
    keys: dict[str, Key] = {}
    for entry in entries:
        if entry.get("use", "sig") == "sig" and _is_strong(entry):
            try:
                keys[str(entry.get("kid") or "")] = JWKRegistry.import_key(entry)
            except (JoseError, ValueError, TypeError):
                continue
    return keys
