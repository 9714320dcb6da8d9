"""Places to wait in: a waiting request holds no thread, but memory and a connection."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from abaco.domain.user import Principal
from abaco.errors import Unavailable

__all__ = ["Place", "Places"]

_User = tuple[str, str]


class Places:
    """There are `most`, and of one user a quarter of that. `refusal` is what the others are told."""

    def __init__(self, most: int, refusal: str) -> None:
        self._most = most
        self._most_of_one = max(1, most // 4)
        self._refusal = refusal
        self._lock = Lock()
        self._users: dict[_User, int] = {}

    @property
    def taken(self) -> int:
        with self._lock:
            return sum(self._users.values())

    @contextmanager
    def place(self) -> Iterator["Place"]:
        """A place to be taken within the block, by whoever turns out to send the request; free again after it."""
        place = Place(self)
        try:
            yield place
        finally:
            place.leave()

    def enter(self, user: _User) -> None:
        """Count one more; raises Unavailable if there is no place."""
        with self._lock:
            if sum(self._users.values()) >= self._most or self._users.get(user, 0) >= self._most_of_one:
                raise Unavailable(self._refusal)
            self._users[user] = self._users.get(user, 0) + 1

    def leave(self, user: _User) -> None:
        with self._lock:
            self._users[user] -= 1
            if not self._users[user]:
                del self._users[user]


class Place:
    """One request's. It may be taken in any thread, also in one that learns too late that its request has gone."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._lock = Lock()
        self._user: _User | None = None
        self._is_over = False

    def take(self, who: Principal) -> None:
        """Raises Unavailable if there is none; nothing happens if it is taken already, or nobody waits any more."""
        with self._lock:
            if self._user is None and not self._is_over:
                user = who.tenant, who.username
                self._places.enter(user)
                self._user = user

    def leave(self) -> None:
        with self._lock:
            self._is_over = True
            if self._user is not None:
                self._places.leave(self._user)
                self._user = None
