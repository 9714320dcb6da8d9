"""Users, their roles, and the principal a request runs as."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from abaco.domain.permission import WORLD
from abaco.errors import InvalidInput

__all__ = ["ExecutionGrant", "Principal", "Role", "User", "require_role", "require_username"]

_USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")


class Role(StrEnum):
    """The roles of the wire contract; `StrEnum` values are what claims and `admin user add` carry."""

    ADMIN = "admin"
    PRIVILEGED = "privileged"
    USER = "user"
    LIMITED = "limited"


@dataclass(frozen=True, slots=True)
class User:
    """A user of one tenant. `uid` and `gid` are those their containers run as, when known.

    `profile` holds what ``/profiles/v2`` shows: email, first_name, last_name, phone.
    """

    tenant: str
    name: str
    roles: frozenset[Role]
    uid: int | None = None
    gid: int | None = None
    profile: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_removed(self) -> bool:
        """Whether an administrator removed the user: the name stays, as owner of what it owns."""
        return not self.roles


@dataclass(frozen=True, slots=True)
class ExecutionGrant:
    """What a running execution's own token stands for: one attempt of one execution of one actor."""

    actor_id: str
    execution_id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a request runs as.

    `grant` is set when the token was given to a running execution; with `state_only` the principal may use
    its own actor's state and files, and nothing else. `by_nonce` is set when a nonce was redeemed: the roles are then
    those that a nonce may carry. `jwt_header` is the name of the header a gateway's JWT came in, which containers are
    told.
    """

    tenant: str
    username: str
    roles: frozenset[Role]
    grant: ExecutionGrant | None = None
    state_only: bool = False
    by_nonce: bool = False
    jwt_header: str | None = None

    @property
    def is_admin(self) -> bool:
        return Role.ADMIN in self.roles

    @property
    def may_set_restricted(self) -> bool:
        """Whether the restricted attributes of an actor (privileged, limits, queue...) may be set."""
        return bool(self.roles & {Role.ADMIN, Role.PRIVILEGED})


def require_role(text: str) -> Role:
    """The role named `text`, else InvalidInput listing the roles there are."""
    try:
        return Role(text)
    except ValueError:
        raise InvalidInput(f"{text!r} is not a role; roles are {', '.join(Role)}.") from None


def require_username(text: str) -> str:
    """Return `text` if it can name a user, else raise InvalidInput."""
    if _USERNAME.fullmatch(text) is None or text == WORLD:
        raise InvalidInput(f"{text!r} cannot name a user: use 1 to 64 letters, digits, '-', '_', '.' or '@'.")
    return text
