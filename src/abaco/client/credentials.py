"""What `abaco login` stores: server and token, readable by their owner only."""

import json
import os
import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path

import msgspec

from abaco.errors import InvalidInput

__all__ = ["Credentials", "path", "read", "write"]


@dataclass(frozen=True, slots=True)
class Credentials:
    """A server's base URL without a closing slash, and the user's access token there."""

    server: str
    token: str = field(repr=False)


def path() -> Path:
    """``$XDG_CONFIG_HOME/abaco/config.toml``, by default below ``~/.config``."""
    home = os.environ.get("XDG_CONFIG_HOME")
    return (Path(home) if home else Path.home() / ".config") / "abaco" / "config.toml"


def read() -> Credentials | None:
    """The stored credentials, None if nobody has logged in. Raises InvalidInput for a damaged file."""
    file = path()
    try:
        return msgspec.convert(tomllib.loads(file.read_text("utf-8")), Credentials)
    except FileNotFoundError:
        return None
    except (ValueError, msgspec.ValidationError) as error:
        raise InvalidInput(f"{file} is damaged ({error}): remove it and run 'abaco login' again.") from error


def write(credentials: Credentials) -> Path:
    """Store `credentials` in place of what was stored, never readable by others, not even for a moment."""
    file = path()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.parent.chmod(0o700)
    new = file.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        # A JSON string of printable characters is a TOML string as well.
        out.writelines(f"{name} = {json.dumps(value)}\n" for name, value in asdict(credentials).items())
    new.replace(file)
    return file
