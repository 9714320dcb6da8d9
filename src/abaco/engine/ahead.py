"""Claiming ahead: a worker whose containers live for milliseconds is given several messages at a time.

So it need not wait for the engine between two of them, and the engine's transactions are shared by many. What a worker
has not begun when one of its containers turns out to take longer goes back to the mailbox, for others to take.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from abaco.domain.actor import Actor
from abaco.engine.crew import Crew, Member
from abaco.ports import ClaimRequest, Clock, Waiting

__all__ = ["MOST_AHEAD", "PATIENCE_SECONDS", "Ahead", "holds_up", "is_slow"]

PATIENCE_SECONDS = 0.5
"""How long a container may take while others wait for its worker in particular."""
_WORTH_SECONDS = 0.2
"""How much work a worker holds. More would be taken from other workers at the end of a rush."""
MOST_AHEAD = 16
"""Messages that one worker holds at most."""
_NEW_WEIGHT = 0.3
_REMEMBERED = 10_000


class Ahead:
    """Knows how long executions of each actor take, and from that how many a worker should hold."""

    def __init__(self, crew: Crew, clock: Clock) -> None:
        self._crew = crew
        self._clock = clock
        self._seconds: dict[str, float] = {}

    def took(self, actor_id: str, seconds: float) -> None:
        """An execution of the actor took so long."""
        known = self._seconds.pop(actor_id, seconds)
        self._seconds[actor_id] = known + _NEW_WEIGHT * (seconds - known)
        if len(self._seconds) > _REMEMBERED:
            del self._seconds[next(iter(self._seconds))]

    def depth(self, actor: Actor) -> int:
        """How many messages one worker may hold. Of a stateful actor one: the next depends on what it leaves (P3)."""
        seconds = self._seconds.get(actor.id)
        if seconds is None or not actor.stateless:
            return 1
        return max(1, min(MOST_AHEAD, int(_WORTH_SECONDS / max(seconds, 0.001))))

    def at_once(self, actor_id: str) -> ClaimRequest | None:
        """What to claim for a free worker of an actor that has just been posted to, before anybody has looked."""
        free = (member for member in self._crew.of(actor_id) if member.is_idle)
        member = next(free, None)
        if member is None:
            return None
        return ClaimRequest(
            actor_id, member.worker_id, exclusive=False, image_digest=member.digest or "", revision=member.revision
        )

    def requests(self, waiting: Waiting) -> Iterator[ClaimRequest]:
        """What to claim for the actor's workers: free ones first, and nobody much more than the others."""
        actor, depth = waiting.actor, self.depth(waiting.actor)
        now = self._clock.now()
        team = [
            member
            for member in self._crew.of(actor.id)
            if member.can_take(actor.revision) and len(member.claims) <= depth // 2 and not is_slow(member, now)
        ]
        left = waiting.count if actor.stateless else min(waiting.count, 1)
        held = sum(len(member.claims) for member in team)
        share = max(1, (waiting.count + held) // max(1, len(team)))
        for member in sorted(team, key=lambda member: len(member.claims)):
            count = min(min(depth, share) - len(member.claims), left)
            if count <= 0:
                return
            left -= count
            yield ClaimRequest(
                actor.id, member.worker_id, not actor.stateless, member.digest or "", member.revision, count
            )


def holds_up(member: Member) -> bool:
    """Whether messages wait for this worker that others could have."""
    return len(member.claims) > 1 and not member.recalled


def is_slow(member: Member, now: datetime) -> bool:
    """Whether the worker's container takes longer than others should wait behind it."""
    since = member.began_at
    return bool(member.claims) and since is not None and now - since >= timedelta(seconds=PATIENCE_SECONDS)
