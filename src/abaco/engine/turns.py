"""Who has waited longest for a place: tenants, owners and actors are each served in turn."""

from collections.abc import Iterable
from itertools import count

from abaco.domain.actor import Actor
from abaco.domain.scaling import groups

__all__ = ["Turns"]


class Turns:
    """Numbers everybody when they begin to wait, and anew when they get a place."""

    def __init__(self) -> None:
        self._number = count(1)
        self._since: dict[tuple[str, ...], int] = {}

    def since(self, actor: Actor) -> tuple[int, int, int]:
        """The numbers of the actor's tenant, of its owner, and its own."""
        tenant, owner, own = (
            self._since.setdefault(group, next(self._number)) for group in groups(actor.tenant, actor.owner, actor.id)
        )
        return tenant, owner, own

    def served(self, actor: Actor) -> None:
        """The actor gets a place: it, its owner and its tenant go to the end of their lines."""
        for group in groups(actor.tenant, actor.owner, actor.id):
            self._since[group] = next(self._number)

    def keep(self, actors: Iterable[Actor]) -> None:
        """Forget whoever waits no more."""
        waiting = {group for actor in actors for group in groups(actor.tenant, actor.owner, actor.id)}
        for group in self._since.keys() - waiting:
            del self._since[group]
