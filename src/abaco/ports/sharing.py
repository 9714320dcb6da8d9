"""What is durable of sharing: aliases, nonces."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from abaco.domain.alias import Alias
from abaco.domain.nonce import Nonce
from abaco.domain.permission import Level

__all__ = ["AliasPosition", "AliasRepository", "NonceRepository", "SealedRepository"]


@dataclass(frozen=True, slots=True)
class AliasPosition:
    """An alias with its caller's effective level on it."""

    alias: Alias
    level: Level


class AliasRepository(Protocol):
    def add(self, alias: Alias) -> None:
        """Add the alias and its owner's UPDATE entry.

        Raises Conflict if the tenant has an alias of this name, NotFound if the actor was deleted meanwhile.
        """

    def find(self, tenant: str, name: str, username: str) -> AliasPosition | None: ...

    def list_visible(self, tenant: str, username: str) -> list[Alias]:
        """Aliases on which `username` has READ by an explicit or the world's entry, in order of creation."""

    def retarget(self, alias: Alias, actor_id: str, editor: str) -> Alias:
        """Have the alias name another actor; an editor who is not its owner gets an UPDATE entry.

        Raises NotFound if the alias or the actor was deleted meanwhile.
        """

    def remove(self, alias_id: str) -> None:
        """Forget the alias, its permissions and its nonces."""


class SealedRepository(Protocol):
    """Where sealed values are kept, each under a key of its own."""

    def sealed(self) -> Iterable[tuple[str, str]]:
        """(key, sealed value) of all."""

    def reseal(self, key: str, former: str, sealed: str) -> bool:
        """Replace a sealed value if it still is `former`."""


class NonceRepository(SealedRepository, Protocol):
    def add(self, nonce: Nonce) -> None:
        """Raises NotFound if its actor or alias was deleted meanwhile."""

    def find(self, digest: str) -> Nonce | None: ...

    def of_holder(self, actor_id: str, alias_id: str | None) -> Sequence[Nonce]:
        """The alias's nonces, else the actor's own, in order of creation."""

    def use(self, digest: str, now: datetime, times: int = 1) -> bool:
        """Count so many uses, or none and False if fewer are left. Of two callers never both get the last one."""

    def remove(self, digest: str) -> None: ...
