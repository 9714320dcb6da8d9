"""A config: a named value that the executions of some actors are given."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from abaco.domain.environment import MAX_VARIABLE_BYTES, fits
from abaco.errors import InvalidInput, TooLarge

__all__ = ["CONFIGS_VARIABLE", "MASK", "Config", "configs_text", "named_actors", "require_config_name"]

CONFIGS_VARIABLE = "_actor_configs"
MASK = "********"
"""What is shown in place of a secret value."""
_MAX_LENGTH = 255
_MAX_ACTORS = 1_000
_FORBIDDEN = re.compile(r"[ :/?#\[\]@!$&'()*+,;=\\\"\x00-\x1f\x7f]")
_RESERVED = frozenset({"executions", "nonces", "logs", "messages", "adapters", "admin", "utilization", "permissions"})


@dataclass(frozen=True, slots=True)
class Config:
    """`value` is sealed if `is_secret`; `actors` are ids and aliases, as its user named them.

    `id` is internal: permission entries belong to it, so that a later config of this name has none.
    """

    id: str
    tenant: str
    name: str
    value: str
    is_secret: bool
    actors: tuple[str, ...]
    owner: str
    created_at: datetime


def require_config_name(text: str) -> str:
    """Return `text` if it can name a config, else raise InvalidInput."""
    if not text or len(text) > _MAX_LENGTH or _FORBIDDEN.search(text) or text in {".", ".."}:
        raise InvalidInput(
            f"name {text[:80]!r} cannot name a config: use 1 to {_MAX_LENGTH} characters without spaces, quotes, "
            "backslashes and any of : / ? # [ ] @ ! $ & ( ) * + , ; =",
        )
    if text.lower() in _RESERVED:
        raise InvalidInput(f"name {text!r} is a word of the API itself: choose another.")
    return text


def named_actors(text: str | Sequence[str]) -> tuple[str, ...]:
    """The ids and aliases of a comma-separated text or a list, each once, in order; raises InvalidInput if none."""
    parts = text.split(",") if isinstance(text, str) else text
    names = tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))
    if not names:
        raise InvalidInput("actors is required: ids or aliases of actors, separated by commas.")
    if len(names) > _MAX_ACTORS:
        raise InvalidInput(f"actors may name {_MAX_ACTORS} actors at most.")
    return names


def configs_text(values: Mapping[str, str]) -> str:
    """What a container reads in ``_actor_configs``: a Python literal. Raises TooLarge if no variable holds it."""
    text = repr(dict(values))
    if not fits(CONFIGS_VARIABLE, text):
        raise TooLarge(
            f"The configs of this actor take {len(text.encode())} bytes together as {CONFIGS_VARIABLE}; "
            f"an environment variable holds {MAX_VARIABLE_BYTES - len(CONFIGS_VARIABLE) - 1}.",
        )
    if "\0" in text:
        raise InvalidInput("value may not hold a NUL character: an environment variable cannot carry it.")
    return text
