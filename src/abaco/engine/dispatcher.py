"""One turn of the engine: record what ended, look at who waits, scale, claim, hand out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from abaco.domain.event import WorkerStopped
from abaco.domain.execution import Claim
from abaco.domain.lifecycle import ActorStatus
from abaco.engine.ahead import PATIENCE_SECONDS, Ahead, holds_up, is_slow
from abaco.engine.autoscaler import Autoscaler
from abaco.engine.crew import Crew, Member
from abaco.engine.delays import Delays
from abaco.engine.inbox import Inbox
from abaco.ports import (
    ClaimRequest,
    Clock,
    Emit,
    ExecutionEnded,
    LogAppended,
    Pool,
    PoolEvent,
    ResultSent,
    StartFailed,
    Store,
    TasksReturned,
    Waiting,
    WorkerFailed,
    WorkerReady,
)
from abaco.services.work import Work

__all__ = ["Dispatcher", "Turn"]

_PUT_OFF_SECONDS = 0.004
"""How late the rest of a mailbox is looked at whose first message a free worker has got."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn did."""

    ended: int = 0
    claimed: int = 0
    eventful: bool = False
    """Whether there may be events for links and webhooks."""


class Dispatcher:
    """Single-threaded: `run_once` is called by one loop, and all state here is its own."""

    def __init__(
        self,
        engine_id: str,
        store: Store,
        pool: Pool,
        work: Work,
        crew: Crew,
        autoscaler: Autoscaler,
        inbox: Inbox,
        clock: Clock,
        emit: Emit,
        cap: int,
    ) -> None:
        self._engine_id = engine_id
        self._store = store
        self._pool = pool
        self._work = work
        self._crew = crew
        self._autoscaler = autoscaler
        self._inbox = inbox
        self._clock = clock
        self._emit = emit
        # Nobody can use more workers than there are: counting further would be waste.
        self._cap = cap
        self._retries: set[tuple[datetime, str]] = set()
        # Actors to look at in the next turn, which is then due soon.
        self._put_off: set[str] = set()
        self._put_off_at: datetime | None = None
        self._ahead = Ahead(crew, clock)
        self._delays = Delays(store, clock)
        self._claiming = True

    def stop_claiming(self) -> None:
        """From now on only record what ends."""
        self._claiming = False

    def is_busy(self) -> bool:
        """Whether any worker has an execution in progress."""
        return any(member.claims for member in self._crew)

    def run_once(self, *, sweep: bool = False) -> Turn:
        """Act on everything heard since the last turn; with `sweep`, on everything there is."""
        topics, events = self._inbox.take()
        eventful = any(self._is_eventful(event) for event in events)
        put_off, self._put_off = self._put_off, set()
        actor_ids = put_off | self._absorb(events) | self._due_retries()
        self._recall()
        if sweep or _ids(topics, "worker"):
            actor_ids |= self._autoscaler.heed_stops()
        claimed = self._serve(topics) if self._claiming else 0
        actor_ids |= self._named(topics) - self._put_off
        actor_ids |= self._delays.fallen_due(ask=sweep or bool(_ids(topics, "delayed")))
        halting = sweep or bool(_ids(topics, "halt"))
        asked = None if sweep else actor_ids
        if sweep:
            self._put_off = set()
        looked_at = self._look(asked)
        if halting or any(waiting.actor.status is ActorStatus.SHUTTING_DOWN for waiting in looked_at):
            self._halt()
        if self._claiming and asked != set():
            self._autoscaler.scale(asked, looked_at)
            claimed += self._claim(self._requests(looked_at))
        if sweep:
            self._autoscaler.retire_idle(self._clock.now())
        if any(waiting.actor.status is ActorStatus.SHUTTING_DOWN for waiting in looked_at):
            self._store.actors.finish_deletes()
        return Turn(sum(isinstance(event, ExecutionEnded) for event in events), claimed, eventful)

    def next_retry(self) -> datetime | None:
        """When the next turn is due at the latest, or None."""
        if self._put_off:
            return self._put_off_at
        patience = timedelta(seconds=PATIENCE_SECONDS)
        held_up = [member.began_at + patience for member in self._crew if holds_up(member) and member.began_at]
        delayed = [self._delays.next_at] if self._delays.next_at else []
        return min([*held_up, *delayed, *(due for due, _ in self._retries)], default=None)

    # --- what was heard ---

    def _named(self, topics: set[str]) -> set[str]:
        """The actors that deserve a look because of what was notified: changed ones, and those with use for a post."""
        posted = _ids(topics, "message")
        return _ids(topics, "actor") | {actor_id for actor_id in posted if self._autoscaler.has_use_for(actor_id)}

    def _absorb(self, events: Sequence[PoolEvent]) -> set[str]:
        """Record what workers say; the actors that deserve a look because of it."""
        self._work.record_output(
            [event for event in events if isinstance(event, ResultSent)],
            [event for event in events if isinstance(event, LogAppended)],
        )
        touched = self._finish([event for event in events if isinstance(event, ExecutionEnded)])
        for event in events:
            if isinstance(event, StartFailed):
                touched |= self._start_failed(event)
            elif isinstance(event, WorkerReady):
                touched |= self._worker_ready(event)
            elif isinstance(event, WorkerFailed):
                touched |= self._worker_failed(event)
            elif isinstance(event, TasksReturned):
                touched |= self._tasks_returned(event)
        return touched

    def _finish(self, events: Sequence[ExecutionEnded]) -> set[str]:
        freed = [(event, *self._free(event.worker_id, event.execution_id)) for event in events]
        if freed:
            self._work.finish([(claim, event) for event, _, claim in freed])
        for event, member, _ in freed:
            out = event.outcome
            member.is_warm = out.stays
            if out.started_at is not None:
                self._ahead.took(member.actor_id, (out.finished_at - out.started_at).total_seconds())
            self._autoscaler.freed(member)
        return {member.actor_id for _, member, _ in freed}

    def _is_eventful(self, event: PoolEvent) -> bool:
        if not isinstance(event, ExecutionEnded):
            return isinstance(event, StartFailed | WorkerReady | WorkerFailed)
        member = self._crew.find(event.worker_id)
        return member is not None and any(claim.actor.has_listener for claim in member.claims)

    def _free(self, worker_id: str, execution_id: str) -> tuple[Member, Claim]:
        """Take an execution off the worker that had it."""
        member = self._crew.find(worker_id)
        assert member is not None  # noqa: S101 - a busy worker is only removed when its executions have ended
        claim = next(claim for claim in member.claims if claim.execution_id == execution_id)
        if claim is member.claims[0]:
            # The next one's turn: whatever this one took, that one has its own time.
            member.began_at, member.recalled = self._clock.now(), False
        member.claims.remove(claim)
        if not member.claims:
            member.idle_since = self._clock.now()
        return member, claim

    def _tasks_returned(self, event: TasksReturned) -> set[str]:
        member = self._crew.find(event.worker_id)
        if member is None:
            return set()
        self._work.returned([(self._free(event.worker_id, id_)[1], attempt) for id_, attempt in event.tasks])
        self._autoscaler.freed(member)
        return {member.actor_id}

    def _start_failed(self, event: StartFailed) -> set[str]:
        member, claim = self._free(event.worker_id, event.execution_id)
        member.is_warm = False
        delay = self._work.start_failed(claim, event)
        if delay is not None:
            self._retries.add((self._clock.now() + timedelta(seconds=delay), member.actor_id))
        self._autoscaler.freed(member)
        return {member.actor_id}

    def _worker_ready(self, event: WorkerReady) -> set[str]:
        member = self._crew.find(event.worker_id)
        if member is None:
            return set()
        member.digest = event.image_digest
        member.ready_at = member.idle_since = self._clock.now()
        self._store.workers.mark_ready(member.worker_id)
        self._work.actor_ready(member.actor_id, member.revision, member.image, event.image_digest)
        self._autoscaler.freed(member)
        return {member.actor_id}

    def _worker_failed(self, event: WorkerFailed) -> set[str]:
        member = self._crew.find(event.worker_id)
        if member is None:
            return set()
        self._crew.remove(member)
        self._store.workers.remove([member.worker_id])
        self._work.actor_failed(member.actor_id, member.revision, event.reason)
        self._emit(WorkerStopped(member.worker_id, member.actor_id, event.reason))
        return {member.actor_id}

    def _due_retries(self) -> set[str]:
        if not self._retries:
            return set()
        now = self._clock.now()
        due = {retry for retry in self._retries if retry[0] <= now}
        self._retries -= due
        return {actor_id for _, actor_id in due}

    # --- what follows from it ---

    def _look(self, actor_ids: set[str] | None) -> list[Waiting]:
        if actor_ids is not None and not actor_ids:
            return []
        return self._store.claims.waiting(actor_ids, self._clock.now(), self._cap)

    def _halt(self) -> None:
        for execution_id, attempt in self._store.executions.halts(self._engine_id):
            self._pool.halt(execution_id, attempt)

    def _recall(self) -> None:
        """Take back what waits for a worker whose container takes long, or that is to go."""
        for member in self._crew:
            if holds_up(member) and (member.leaving or is_slow(member, self._clock.now())):
                member.recalled = True
                self._pool.recall(member.worker_id)

    def _serve(self, topics: set[str]) -> int:
        """Give a free worker of each actor that was posted to a message before anything else is done.

        What else there is of such an actor is looked at a little later: mostly that was all, and its sender waits.
        """
        posted = _ids(topics, "message")
        requests = [request for actor_id in posted if (request := self._ahead.at_once(actor_id))]
        self._put_off = {request.actor_id for request in requests}
        self._put_off_at = self._clock.now() + timedelta(seconds=_PUT_OFF_SECONDS)
        return self._claim(requests)

    def _requests(self, looked_at: Sequence[Waiting]) -> list[ClaimRequest]:
        ready = [waiting for waiting in looked_at if waiting.actor.status is ActorStatus.READY]
        return [request for waiting in ready for request in self._ahead.requests(waiting)]

    def _claim(self, requests: Sequence[ClaimRequest]) -> int:
        """Give workers what their actors' mailboxes hold."""
        if not requests:
            return 0
        tasks = self._work.claim(requests)
        for claim, task in tasks:
            if task is None:
                self._put_off.add(claim.actor.id)  # its worker is free for the next
                continue
            member = self._crew.find(claim.worker_id)
            assert member is not None  # noqa: S101 - it was there a moment ago, in this thread
            if not member.claims:
                member.began_at = self._clock.now()
            member.claims.append(claim)
            self._autoscaler.claimed(member.actor_id)
            self._pool.run(claim.worker_id, task)
        if any(claim.attempt > 1 for claim, _ in tasks):
            self._halt()  # whom an engine was told to halt that has gone before it could
        return len(tasks)


def _ids(topics: set[str], kind: str) -> set[str]:
    """What the topics of a kind are about."""
    return {topic.partition(":")[2] for topic in topics if topic.startswith(f"{kind}:")}
