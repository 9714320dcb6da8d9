"""Starting and retiring workers: looks at demand, lets `domain.scaling.plan` decide, tells the pool."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from abaco.domain.actor import Actor
from abaco.domain.event import WorkerStarted, WorkerStopped
from abaco.domain.ids import NewId
from abaco.domain.lifecycle import ActorStatus, WorkerStatus
from abaco.domain.queue import Queue
from abaco.domain.scaling import plan
from abaco.domain.worker import Worker
from abaco.engine.ahead import MOST_AHEAD
from abaco.engine.crew import Crew, Member
from abaco.engine.demand import Demand
from abaco.engine.loads import Loads, last_idle
from abaco.errors import AbacoError
from abaco.ports import Clock, Emit, Pool, Store, Waiting, WorkerOrder
from abaco.services.work import Work

__all__ = ["Autoscaler", "Capacity"]

_ASKED = "asked to stop"
_FEWER = "fewer workers allowed"


class Capacity:
    """How many workers there may be: in each queue, and by the settings of the same names."""

    def __init__(
        self,
        queues: Mapping[str, Queue],
        max_workers_per_actor: int,
        worker_idle_seconds: float,
        sync_idle_seconds: float,
    ) -> None:
        self.queues = queues
        self.max_workers_per_actor = max_workers_per_actor
        self.idle = timedelta(seconds=worker_idle_seconds)
        self.sync_idle = timedelta(seconds=max(worker_idle_seconds, sync_idle_seconds))

    @property
    def most(self) -> int:
        """No actor's workers can take more messages than this."""
        return MOST_AHEAD * max(queue.max_workers for queue in self.queues.values())


class Autoscaler:
    def __init__(
        self,
        engine_id: str,
        store: Store,
        pool: Pool,
        work: Work,
        crew: Crew,
        clock: Clock,
        new_id: NewId,
        emit: Emit,
        capacity: Capacity,
    ) -> None:
        self._engine_id = engine_id
        self._store = store
        self._pool = pool
        self._work = work
        self._crew = crew
        self._clock = clock
        self._new_id = new_id
        self._emit = emit
        self._capacity = capacity
        self._demand = Demand()
        self._loads = Loads(crew, self._demand, clock, capacity.max_workers_per_actor, capacity.queues)

    def scale(self, asked: set[str] | None, looked_at: Sequence[Waiting]) -> None:
        """Act on a fresh look at the demand of the actors `asked` about (None: all); who was not found has none."""
        present = {waiting.actor.id for waiting in looked_at}
        for actor_id in (self._demand.ids() if asked is None else self._demand.ids() & asked) - present:
            self._demand.drop(actor_id)
        for waiting in looked_at:
            for member in self._crew.of(waiting.actor.id):
                member.is_sync = waiting.actor.is_sync
                member.is_warm = member.is_warm and waiting.actor.is_warm
            self._retire_unfit(waiting)
            self._demand.put(waiting)
        for name in self._capacity.queues:
            if self._share_out(name):
                # Idle workers went at once: their places are given away in this very turn.
                self._share_out(name)
        for actor_id in self._demand.ids() & (present | self._crew.actor_ids()):
            self._drop_if_content(actor_id)

    def _drop_if_content(self, actor_id: str) -> None:
        waiting = self._demand.find(actor_id)
        if waiting is not None:
            load = self._loads.of(waiting)
            if not load.wanted and not load.lacking:
                self._demand.drop(actor_id)

    def claimed(self, actor_id: str) -> None:
        """One of the messages that were seen waits no more."""
        waiting = self._demand.find(actor_id)
        # A full count means so many or more.
        if waiting is not None and waiting.count < self._capacity.most:
            self._demand.change(actor_id, claimed=1)

    def _share_out(self, queue: str) -> bool:
        """Start and retire workers of the queue as planned; whether a place became free at once."""
        places = self._capacity.queues[queue].max_workers
        decisions = plan(self._loads.in_queue(queue, places), places)
        for actor_id, count in decisions.start.items():
            for _ in range(count):
                self._start(actor_id)
        staff = len(self._crew)
        for actor_id, count in decisions.retire.items():
            self._make_room(self._crew.of(actor_id, queue), count)
            self._demand.had_place(actor_id)
        return len(self._crew) < staff

    def has_use_for(self, actor_id: str) -> bool:
        """Whether one more message could be claimed now, or start a worker; else its workers ask when they are free."""
        waiting = self._demand.find(actor_id)
        if waiting is None:
            return True
        load = self._loads.of(waiting)
        queue = self._capacity.queues.get(waiting.actor.queue)
        full = queue is None or self._crew.number_in(waiting.actor.queue) >= queue.max_workers
        return not load.workers or load.idle > 0 or (load.workers < load.limit and not full)

    def _start(self, actor_id: str) -> None:
        waiting = self._demand.find(actor_id)
        assert waiting is not None  # noqa: S101 - who lacks workers has been seen
        actor = waiting.actor
        try:
            image = self._work.image_for(actor)
        except AbacoError as error:
            # Refused at registration today, but what an older version accepted must not stop everybody's engine.
            self._work.actor_failed(actor.id, actor.revision, error.message)
            return
        member = Member(
            self._new_id(),
            actor.tenant,
            actor.owner,
            actor.id,
            actor.revision,
            actor.queue,
            frozenset(actor.gpus),
            image,
            started_at=self._clock.now(),
            is_sync=actor.is_sync,
        )
        worker = Worker(
            id=member.worker_id,
            tenant=actor.tenant,
            actor_id=actor.id,
            engine_id=self._engine_id,
            status=WorkerStatus.REQUESTED,
            revision=actor.revision,
            image=actor.image,
            created_at=self._clock.now(),
        )
        self._store.workers.add(worker)
        self._crew.add(member)
        self._demand.had_place(actor.id)
        self._pool.start(WorkerOrder(member.worker_id, actor.id, image))
        self._emit(WorkerStarted(member.worker_id, actor.id, actor.revision))

    def _retire_unfit(self, waiting: Waiting) -> None:
        """Workers of an old revision, and all of an actor that may not run, go once free; so do those too many.

        Those that start go, too, unless their actor is in ERROR, which they may mend by becoming ready.
        """
        actor = waiting.actor
        deleted = actor.status is ActorStatus.SHUTTING_DOWN
        stopped = deleted or actor.status is ActorStatus.ERROR
        for member in self._crew.of(actor.id):
            old = member.revision < actor.revision
            if (member.is_idle and (stopped or old)) or (member.is_starting and (deleted or old)):
                self._retire(member, actor.status.value if stopped else "newer revision")
        limit = max(actor.worker_limit(self._capacity.max_workers_per_actor), waiting.requested)
        self._retire_surplus(actor, limit)

    def _retire_surplus(self, actor: Actor, limit: int) -> None:
        """Beyond the limit idle workers and those that start go at once, others with their execution.

        Under a backlog they are never idle. Those left behind in another queue are of an old revision.
        """
        team = self._crew.of(actor.id, actor.queue)
        idle = [member for member in team if member.is_idle and member.revision == actor.revision]
        for member in idle[: max(0, len(team) - limit)]:
            self._retire(member, _FEWER)
        staying = [member for member in self._crew.of(actor.id, actor.queue) if not member.leaving]
        starting = [member for member in reversed(staying) if member.is_starting]
        busy = [member for member in staying if member.claims]
        for member in [*starting, *busy][: max(0, len(staying) - limit)]:
            if member.is_starting:
                self._retire(member, _FEWER)
            else:
                member.leaving, member.leaving_because = True, _FEWER

    def _make_room(self, team: Sequence[Member], count: int) -> None:
        """Let `count` workers go: idle ones and those that start now, others once they are free."""
        idle = [member for member in team if member.is_idle]
        # The latest first, as among actors.
        starting = [member for member in reversed(team) if member.is_starting]
        busy = [member for member in team if member.claims and not member.leaving]
        for member in [*idle, *starting, *busy][:count]:
            if member.is_idle:
                self._dismiss(member, member.leaving_because)
            elif member.is_starting:
                # Not for good: when there is room again it is as welcome as before.
                self._retire(member, member.leaving_because)
            else:
                member.leaving = True

    def freed(self, member: Member) -> None:
        """A worker has become free: if that was only waited for, it goes."""
        if member.leaving and not member.claims:
            self._dismiss(member, member.leaving_because)

    def heed_stops(self) -> set[str]:
        """Let workers go that somebody asked to stop: busy ones once they are free, others now. Whose they were."""
        members = [self._crew.find(worker_id) for worker_id in self._store.workers.stopping(self._engine_id)]
        for member in filter(None, members):
            if member.is_idle or member.is_starting:
                self._dismiss(member, _ASKED)
            else:
                member.leaving, member.leaving_because = True, _ASKED
        return {member.actor_id for member in members if member}

    def _dismiss(self, member: Member, reason: str) -> None:
        """Let a worker go that is not busy, and start no other in its place unless messages wait."""
        self._retire(member, reason, for_good=True)
        waiting = self._demand.find(member.actor_id)
        if waiting is not None:
            left = min(waiting.requested, len(self._crew.of(member.actor_id)))
            self._demand.change(member.actor_id, requested=left)

    def _retire(self, member: Member, reason: str, *, for_good: bool = False) -> None:
        self._pool.stop(member.worker_id)
        self._crew.remove(member)
        self._store.workers.remove([member.worker_id], for_good=for_good)
        self._emit(WorkerStopped(member.worker_id, member.actor_id, reason))

    def retire_idle(self, now: datetime) -> None:
        """Let workers go that have had nothing to do for long."""
        for member in self._crew:
            if member.is_idle and member.idle_since is not None:
                patience = self._capacity.sync_idle if self._is_kept(member) else self._capacity.idle
                if now - member.idle_since >= patience:
                    self._dismiss(member, "idle")

    def _is_kept(self, member: Member) -> bool:
        """Who has a warm container stays longer; with the hint `sync` one does: at work, else at work last."""
        if member.is_warm or not member.is_sync:
            return member.is_warm
        team = self._crew.of(member.actor_id)
        last = max(team, key=lambda one: last_idle([one]))
        return member is last and all(one.is_idle for one in team)
