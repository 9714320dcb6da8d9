"""One turn of the engine: record what ended, look at who waits, scale, claim, hand out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from abaco.domain.actor import Actor
from abaco.domain.event import WorkerStopped
from abaco.domain.execution import Claim
from abaco.domain.lifecycle import ActorStatus
from abaco.engine.autoscaler import Autoscaler
from abaco.engine.crew import Crew, Member
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
    Waiting,
    WorkerFailed,
    WorkerReady,
)
from abaco.services.work import Work

__all__ = ["Dispatcher", "Turn"]


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
        self._claiming = True

    def stop_claiming(self) -> None:
        """From now on only record what ends."""
        self._claiming = False

    def is_busy(self) -> bool:
        """Whether any worker has an execution in progress."""
        return any(member.claim is not None for member in self._crew)

    def run_once(self, *, sweep: bool = False) -> Turn:
        """Act on everything heard since the last turn; with `sweep`, on everything there is."""
        topics, events = self._inbox.take()
        eventful = any(self._is_eventful(event) for event in events)
        actor_ids = self._named(topics) | self._absorb(events) | self._due_retries()
        if sweep or any(topic.startswith("worker:") for topic in topics):
            actor_ids |= self._autoscaler.heed_stops()
        halting = sweep or any(topic.startswith("halt:") for topic in topics)
        asked = None if sweep else actor_ids
        looked_at = self._look(asked)
        if halting or any(waiting.actor.status is ActorStatus.SHUTTING_DOWN for waiting in looked_at):
            self._halt()
        claimed = 0
        if self._claiming:
            self._autoscaler.scale(asked, looked_at)
            claimed = self._claim(looked_at)
        if sweep:
            self._autoscaler.retire_idle(self._clock.now())
        if any(waiting.actor.status is ActorStatus.SHUTTING_DOWN for waiting in looked_at):
            self._store.actors.finish_deletes()
        return Turn(sum(isinstance(event, ExecutionEnded) for event in events), claimed, eventful)

    def next_retry(self) -> datetime | None:
        """When the next turn is due at the latest, or None."""
        return min(self._retries, default=(None, ""))[0]

    # --- what was heard ---

    def _named(self, topics: set[str]) -> set[str]:
        """The actors that deserve a look because of what was notified: changed ones, and those with use for a post."""
        named = [topic.partition(":") for topic in topics]
        changed = {actor_id for kind, _, actor_id in named if kind == "actor"}
        posted = {actor_id for kind, _, actor_id in named if kind == "message"}
        return changed | {actor_id for actor_id in posted if self._autoscaler.has_use_for(actor_id)}

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
        return touched

    def _finish(self, events: Sequence[ExecutionEnded]) -> set[str]:
        freed = [(event, *self._free(event.worker_id)) for event in events]
        if freed:
            self._work.finish([(claim, event) for event, _, claim in freed])
        for _, member, _ in freed:
            self._autoscaler.freed(member)
        return {member.actor_id for _, member, _ in freed}

    def _is_eventful(self, event: PoolEvent) -> bool:
        if not isinstance(event, ExecutionEnded):
            return isinstance(event, StartFailed | WorkerReady | WorkerFailed)
        member = self._crew.find(event.worker_id)
        return member is not None and member.claim is not None and member.claim.actor.has_listener

    def _free(self, worker_id: str) -> tuple[Member, Claim]:
        member = self._crew.find(worker_id)
        assert member is not None  # noqa: S101 - a busy worker is only removed when its execution has ended
        assert member.claim is not None  # noqa: S101
        claim, member.claim = member.claim, None
        member.idle_since = self._clock.now()
        return member, claim

    def _start_failed(self, event: StartFailed) -> set[str]:
        member, claim = self._free(event.worker_id)
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
        member.idle_since = self._clock.now()
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

    def _claim(self, looked_at: Sequence[Waiting]) -> int:
        """Give free workers what their actors' mailboxes hold."""
        requests = [
            ClaimRequest(
                waiting.actor.id, member.worker_id, not waiting.actor.stateless, member.digest or "", member.revision
            )
            for waiting in looked_at
            if waiting.actor.status is ActorStatus.READY
            for member in self._crew.idle(waiting.actor)[: self._width(waiting.actor, waiting.count)]
        ]
        if not requests:
            return 0
        tasks = self._work.claim(requests)
        for claim, task in tasks:
            member = self._crew.find(claim.worker_id)
            assert member is not None  # noqa: S101 - it was idle a moment ago, in this thread
            member.claim = claim
            self._autoscaler.claimed(member.actor_id)
            self._pool.run(claim.worker_id, task)
        return len(tasks)

    def _width(self, actor: Actor, count: int) -> int:
        """How many messages may be claimed now: one of a stateful actor, whatever workers it has."""
        return min(count, 1) if not actor.stateless else count
