"""An alias: a name of an actor, unique in its tenant."""

import re
from dataclasses import dataclass
from datetime import datetime

from abaco.domain.ids import has_id_shape
from abaco.errors import InvalidInput

__all__ = ["Alias", "require_alias_name"]

_MAX_LENGTH = 255
_FORBIDDEN = re.compile(r"[\\ \":/?#\[\]@!$&'()*+,;=\x00-\x1f\x7f]")
_RESERVED = {"executions", "nonces", "logs", "messages", "adapters", "admin", "aliases", "configs", "search"} | {
    *("utilization", "v2", "v3", "metrics", "workers", "permissions", "state", "results", "data", "images"),
}
"""Words that stand in the API's own paths; `data` and `adapters` are kept for later."""


@dataclass(frozen=True, slots=True)
class Alias:
    """`id` is internal: permission entries and nonces belong to it, so that a later alias of this name has none."""

    id: str
    tenant: str
    alias: str
    actor_id: str
    owner: str
    api_server: str
    created_at: datetime


def require_alias_name(text: str) -> str:
    """Return `text` if it can name an actor, else raise InvalidInput."""
    if not text or len(text) > _MAX_LENGTH or _FORBIDDEN.search(text) or text in {".", ".."}:
        raise InvalidInput(
            f"alias {text[:80]!r} cannot name an actor: use 1 to {_MAX_LENGTH} characters without spaces, "
            "quotes, backslashes and any of : / ? # [ ] @ ! $ & ( ) * + , ; =",
        )
    if text.lower() in _RESERVED:
        raise InvalidInput(f"alias {text!r} is a word of the API itself: choose another.")
    if has_id_shape(text):
        raise InvalidInput(f"alias {text!r} has the shape of an actor's id: choose another length or add a '-'.")
    return text
