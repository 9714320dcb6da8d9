"""A nonce: a bearer credential for one actor or one alias, at one level, for so many uses."""

from dataclasses import dataclass
from datetime import datetime

from abaco.domain.permission import Level
from abaco.domain.user import Role
from abaco.errors import InvalidInput

__all__ = ["UNLIMITED", "Nonce", "carried", "require_max_uses"]

UNLIMITED = -1
_MOST_USES = 2**53
_CARRIED = frozenset({Role.USER, Role.LIMITED})


@dataclass(frozen=True, slots=True)
class Nonce:
    """`digest` is what it is found by, `sealed` the nonce itself for those who may see it.

    It belongs to the actor `actor_id`, or to the alias with the internal id `alias_id` and the name `alias`.
    """

    digest: str
    sealed: str
    tenant: str
    actor_id: str | None
    alias_id: str | None
    alias: str | None
    owner: str
    roles: frozenset[Role]
    api_server: str
    level: Level
    max_uses: int
    current_uses: int
    description: str
    created_at: datetime
    last_used_at: datetime | None = None

    @property
    def remaining_uses(self) -> int:
        return UNLIMITED if self.max_uses == UNLIMITED else self.max_uses - self.current_uses

    def opens(self, identifier: str, *, on_alias: bool) -> bool:
        """Whether it is for what a URL names: its actor by id, or its alias, also under ``/aliases``."""
        return identifier == self.alias if self.actor_id is None else identifier == self.actor_id and not on_alias


def carried(roles: frozenset[Role]) -> frozenset[Role]:
    """The roles a redeemed nonce brings of its owner's: never those that open more than its own actor."""
    return roles & _CARRIED or frozenset({Role.USER})


def require_max_uses(number: int) -> int:
    """Return `number` if a nonce may be used so often, else raise InvalidInput."""
    if number != UNLIMITED and not 1 <= number <= _MOST_USES:
        raise InvalidInput("max_uses must be at least 1, or -1 for any number of uses.")
    return number
