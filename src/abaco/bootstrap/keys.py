"""The secrets of a server: files in its data directory, made when they are first needed."""

import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from functools import partial
from pathlib import Path

from abaco.services.tapis_tokens import TapisTokens
from abaco.services.vault import Vault
from abaco.settings import Settings

__all__ = [
    "Keys",
    "encryption_keys",
    "execution_secret",
    "held",
    "read_keys",
    "vault",
    "webhook_secret",
    "write_encryption_keys",
]

_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Keys:
    """The secrets of a server, from files in its data directory."""

    execution_tokens: bytes
    vault: Vault
    tapis_tokens: str


def read_keys(settings: Settings) -> Keys:
    signing_key = _key_file(settings.data / "tapis-tokens.pem", TapisTokens.new_key)
    return Keys(execution_secret(settings), vault(settings), signing_key)


def execution_secret(settings: Settings) -> bytes:
    """The key of the executions' tokens."""
    return bytes.fromhex(_key_file(settings.data / "execution-tokens.key", partial(secrets.token_hex, _SECRET_BYTES)))


def webhook_secret(settings: Settings) -> bytes:
    """What the keys of webhooks' signatures are made of."""
    return bytes.fromhex(_key_file(settings.data / "webhooks.key", partial(secrets.token_hex, _SECRET_BYTES)))


def vault(settings: Settings) -> Vault:
    """The keys of what is sealed in the database, the current one first; beside the database, never in it."""
    return Vault(partial(encryption_keys, settings))


def encryption_keys(settings: Settings) -> list[str]:
    return _key_file(settings.data / "encryption.key", Vault.new_key).split()


def write_encryption_keys(settings: Settings, keys: Sequence[str]) -> None:
    """Replace the key file as a whole, on disk before anything is sealed with a new key."""
    path = settings.data / "encryption.key"
    draft = _draft(path, "\n".join(keys))
    draft.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Waits until nobody else has the lock; the kernel lets go of it however this process ends."""
    with path.open("w") as file:
        flock(file, LOCK_EX)
        yield


def _key_file(path: Path, fresh: Callable[[], str]) -> str:
    """What the file holds, which is a `fresh` key if there was none; readable by the server's user only.

    It appears whole: whoever comes second (API and engine start together) reads what the first has written.
    """
    if not path.exists():
        draft = _draft(path, fresh())
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text()


def _draft(path: Path, text: str) -> Path:
    """A file beside `path` that holds `text`, on disk, readable by the server's user only."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with open(draft, "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return draft
