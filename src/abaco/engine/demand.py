"""Demand as last seen of actors that want more than they have: they compete for places, and stand in line for them."""

from collections import Counter
from collections.abc import Iterator, KeysView
from dataclasses import replace
from itertools import count, islice

from abaco.domain.actor import Actor
from abaco.domain.scaling import groups
from abaco.ports import Waiting

__all__ = ["Demand"]

_Line = tuple[str, str, str, tuple[str, ...]]
"""Queue, tenant, owner and devices: of such actors, none has a better claim than those before it."""


class Demand:
    def __init__(self) -> None:
        self._seen: dict[str, Waiting] = {}
        self._lines: dict[_Line, dict[str, None]] = {}
        self._number = count(1)
        # Since when tenants, owners and actors have waited for a place, as rising numbers; and how many of them wait.
        self._since: dict[tuple[str, ...], int] = {}
        self._waiting: Counter[tuple[str, ...]] = Counter()

    def ids(self) -> KeysView[str]:
        return self._seen.keys()

    def find(self, actor_id: str) -> Waiting | None:
        return self._seen.get(actor_id)

    def put(self, waiting: Waiting) -> None:
        """What an actor wants now. Who is new goes to the end of the line."""
        actor = waiting.actor
        known = self._seen.get(actor.id)
        if known is not None and _line(known.actor) != _line(actor):
            self.drop(actor.id)
        if actor.id not in self._seen:
            self._lines.setdefault(_line(actor), {})[actor.id] = None
            for group in _groups(actor):
                self._waiting[group] += 1
                self._since.setdefault(group, next(self._number))
        self._seen[actor.id] = waiting

    def change(self, actor_id: str, *, claimed: int = 0, requested: int | None = None) -> None:
        """Some of the messages are claimed, seen or not, or so many workers are requested now."""
        waiting = self._seen[actor_id]
        wish = waiting.requested if requested is None else requested
        self._seen[actor_id] = replace(waiting, count=max(0, waiting.count - claimed), requested=wish)

    def drop(self, actor_id: str) -> None:
        """The actor wants nothing more than it has."""
        actor = self._seen.pop(actor_id).actor
        line = self._lines[_line(actor)]
        del line[actor_id]
        if not line:
            del self._lines[_line(actor)]
        for group in _groups(actor):
            self._waiting[group] -= 1
            if not self._waiting[group]:
                del self._waiting[group], self._since[group]

    def had_place(self, actor_id: str) -> None:
        """The actor got a place, or loses one: it, its owner and its tenant go to the ends of their lines."""
        if actor_id not in self._seen:
            return
        actor = self._seen[actor_id].actor
        line = self._lines[_line(actor)]
        line[actor.id] = line.pop(actor.id)
        for group in _groups(actor):
            self._since[group] = next(self._number)

    def since(self, actor: Actor) -> tuple[int, int, int]:
        """The numbers of its tenant, of its owner and its own; 0 of those that do not wait."""
        tenant, owner, own = (self._since.get(group, 0) for group in _groups(actor))
        return tenant, owner, own

    def first(self, queue: str, number: int) -> Iterator[Waiting]:
        """The first `number` of every line of the queue."""
        for (name, *_), line in self._lines.items():
            if name == queue:
                yield from (self._seen[actor_id] for actor_id in islice(line, number))


def _line(actor: Actor) -> _Line:
    return actor.queue, actor.tenant, actor.owner, actor.gpus


def _groups(actor: Actor) -> tuple[tuple[str, ...], ...]:
    return groups(actor.tenant, actor.owner, actor.id)
