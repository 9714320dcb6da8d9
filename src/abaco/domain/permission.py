"""Permission levels and how an explicit entry and the world's entry combine."""

from collections.abc import Mapping
from enum import IntEnum

from abaco.errors import InvalidInput

__all__ = ["WORLD", "Level", "effective", "require_level"]

WORLD = "ABACO_WORLD"
"""The user name whose entry holds for every user of the tenant."""


class Level(IntEnum):
    """What a user may do with an object; each level includes the lower ones."""

    NONE = 0
    READ = 1
    EXECUTE = 2
    UPDATE = 3


def effective(entries: Mapping[str, Level], username: str) -> Level:
    """The higher of the user's own entry and the world's; an explicit NONE denies."""
    own = entries.get(username)
    if own is Level.NONE:
        return Level.NONE
    return max(own or Level.NONE, entries.get(WORLD, Level.NONE))


def require_level(text: str | None) -> Level:
    """The level named `text`, else InvalidInput listing the levels there are."""
    if text is None or text not in Level.__members__:
        raise InvalidInput(f"level must be one of {', '.join(Level.__members__)}, in capitals.")
    return Level[text]
