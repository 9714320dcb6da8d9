"""Who may do what with one kind of object: actors, aliases, configs."""

from collections.abc import Callable

from abaco.domain.permission import WORLD, Level, require_level
from abaco.domain.user import Principal, require_username
from abaco.errors import InvalidInput
from abaco.ports import Store
from abaco.services.access import require_lasting

__all__ = ["Permissions"]


class Permissions:
    """`require` finds an object of the kind for a caller who has a level on it, and returns its internal id."""

    def __init__(self, store: Store, require: Callable[[Principal, str, Level], str]) -> None:
        self._store = store
        self._require = require

    def entries(self, caller: Principal, identifier: str) -> dict[str, Level]:
        return self._store.permissions.entries(self._require(caller, identifier, Level.READ))

    def grant(self, caller: Principal, identifier: str, username: str | None, level: str | None) -> dict[str, Level]:
        """Add or replace one user's entry; all entries afterwards. NONE is an entry, too: it denies."""
        object_id = self._require(caller, identifier, Level.UPDATE)
        require_lasting(caller)
        if not username:
            raise InvalidInput("user is required: whom the level is for, or ABACO_WORLD for everybody.")
        granted = require_level(level)
        if username != WORLD:
            require_username(username)
        self._store.permissions.grant(object_id, username, granted)
        return self._store.permissions.entries(object_id)
