"""Firing schedules: a slot that has come becomes a message, once, however many slots were missed."""

from abaco.domain.actor import Actor
from abaco.domain.event import ActorScheduled, ScheduleStopped
from abaco.domain.execution import submitted
from abaco.domain.ids import NewId
from abaco.domain.message import ContentType, Payload
from abaco.domain.moment import iso
from abaco.domain.schedule import CRON_EXECUTOR, CRON_MESSAGE, parse_schedule
from abaco.errors import AbacoError, NotFound
from abaco.ports import Clock, Emit, NewMessage, Notifier, Store

__all__ = ["Schedules"]


class Schedules:
    def __init__(self, store: Store, clock: Clock, new_id: NewId, notifier: Notifier, emit: Emit) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._notifier = notifier
        self._emit = emit

    def fire_due(self, limit: int) -> int:
        """Fire the actors whose slot has come, at most `limit`; how many were due.

        Each moves on to its first slot in the future, those that are switched off without firing.
        """
        due = self._store.schedules.due(self._clock.now(), limit)
        for actor in due:
            self._fire(actor)
        return len(due)

    def _fire(self, actor: Actor) -> None:
        now = self._clock.now()
        try:
            next_at = parse_schedule(actor.cron_schedule or "", actor.cron_start_at or now).next_after(now)
            reason = "it has no further slot"
        except AbacoError as error:
            # Another version accepted it, or the machine lacks the time zone: nobody else's schedule waits for that.
            next_at, reason = None, error.message
        message = self._message(actor) if actor.cron_on else None
        try:
            fired = self._store.schedules.advance(actor, next_at, message)
        except NotFound:
            return
        if not fired:
            return
        execution_id = None
        if message is not None:
            execution_id = message.execution.id
            self._notifier.notify(f"message:{actor.id}")
        self._emit(ActorScheduled(actor.tenant, actor.id, execution_id, iso(next_at)))
        if next_at is None:
            self._emit(ScheduleStopped(actor.tenant, actor.id, reason))

    def _message(self, actor: Actor) -> NewMessage:
        execution = submitted(self._new_id(), actor, CRON_EXECUTOR, self._clock.now())
        return NewMessage(actor.id, execution, Payload(ContentType.TEXT, CRON_MESSAGE), actor.revision)

    def seconds_until_next(self) -> float | None:
        """How long until the next actor is due; None if no schedule is."""
        next_at = self._store.schedules.next_at()
        return None if next_at is None else (next_at - self._clock.now()).total_seconds()
