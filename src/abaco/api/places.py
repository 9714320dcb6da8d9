"""Places to wait in: a waiting request holds no thread, but memory and a connection."""

from collections.abc import Iterator
from contextlib import contextmanager

from abaco.domain.user import Principal
from abaco.errors import Unavailable

__all__ = ["Places"]


class Places:
    """There are `most`, and of one user a quarter of that. `refusal` is what the others are told."""

    def __init__(self, most: int, refusal: str) -> None:
        self._most = most
        self._most_of_one = max(1, most // 4)
        self._refusal = refusal
        self._users: dict[tuple[str, str], int] = {}

    @property
    def taken(self) -> int:
        return sum(self._users.values())

    @contextmanager
    def take(self, who: Principal) -> Iterator[None]:
        """A place to wait in; raises Unavailable if there is none."""
        user = (who.tenant, who.username)
        if self.taken >= self._most or self._users.get(user, 0) >= self._most_of_one:
            raise Unavailable(self._refusal)
        self._users[user] = self._users.get(user, 0) + 1
        try:
            yield
        finally:
            self._users[user] -= 1
            if not self._users[user]:
                del self._users[user]
