"""The engine's picture of its workers: who they are, what they do, since when. In memory, rebuilt by starting over."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from abaco.domain.actor import Actor
from abaco.domain.execution import Claim
from abaco.ports import ImageRef

__all__ = ["Crew", "Member"]


@dataclass(slots=True)
class Member:
    """One worker. `digest` is set once it is ready; `claims` are what it has been given, the first in progress.

    `began_at` is when that one's turn came; `recalled`: it was asked to give the others back. A `leaving` one goes
    when it is free; `leaving_because` says why. `ready_at` is since when it has had its place in earnest, `started_at`
    since when at all, and `devices` are its own alone. `is_sync`: its actor has the hint `sync`; `is_warm`: its
    container stays for the next message.
    """

    worker_id: str
    tenant: str
    owner: str
    actor_id: str
    revision: int
    queue: str
    devices: frozenset[str]
    image: ImageRef
    digest: str | None = None
    claims: list[Claim] = field(default_factory=list)
    began_at: datetime | None = None
    recalled: bool = False
    started_at: datetime | None = None
    ready_at: datetime | None = None
    idle_since: datetime | None = None
    leaving: bool = False
    leaving_because: str = "room for others"
    is_sync: bool = False
    is_warm: bool = False

    @property
    def is_idle(self) -> bool:
        return self.digest is not None and not self.claims and not self.leaving

    @property
    def is_starting(self) -> bool:
        """Whether its image is being prepared, which may be broken off."""
        return self.digest is None and not self.leaving

    def can_take(self, revision: int) -> bool:
        """Whether it may be given messages of that revision of its actor."""
        return self.digest is not None and not self.leaving and not self.recalled and self.revision == revision


class Crew:
    """All workers of this engine, by id and by actor."""

    def __init__(self) -> None:
        self._members: dict[str, Member] = {}
        self._by_actor: dict[str, dict[str, Member]] = {}

    def __iter__(self) -> Iterator[Member]:
        return iter(list(self._members.values()))

    def __len__(self) -> int:
        return len(self._members)

    def add(self, member: Member) -> None:
        self._members[member.worker_id] = member
        self._by_actor.setdefault(member.actor_id, {})[member.worker_id] = member

    def find(self, worker_id: str) -> Member | None:
        return self._members.get(worker_id)

    def remove(self, member: Member) -> None:
        self._members.pop(member.worker_id, None)
        team = self._by_actor.get(member.actor_id, {})
        team.pop(member.worker_id, None)
        if not team:
            self._by_actor.pop(member.actor_id, None)

    def of(self, actor_id: str, queue: str | None = None) -> list[Member]:
        """The actor's workers; those in `queue`, if it is given: an actor may have been moved."""
        team = self._by_actor.get(actor_id, {}).values()
        return [member for member in team if queue in {None, member.queue}]

    def number_in(self, queue: str) -> int:
        return sum(member.queue == queue for member in self._members.values())

    def idle(self, actor: Actor) -> list[Member]:
        """Free workers of the actor's current revision."""
        return [member for member in self.of(actor.id) if member.is_idle and member.revision == actor.revision]

    def actor_ids(self) -> set[str]:
        return set(self._by_actor)
