"""One engine without a loop: a test says what is heard, and what the workers of a fake pool do."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from typing import Any

import sqlalchemy
from engine.fakes import FakePool, NoImages, SetClock
from store.scene import add_actor, new_message

from abaco.domain.actor import Actor
from abaco.domain.event import Event
from abaco.domain.lifecycle import ActorStatus, ExecutionStatus
from abaco.domain.queue import Queue
from abaco.engine.autoscaler import Autoscaler, Capacity
from abaco.engine.crew import Crew
from abaco.engine.dispatcher import Dispatcher, Turn
from abaco.engine.inbox import Inbox
from abaco.engine.reaper import Reaper
from abaco.ports import Pool, Store, Waiting
from abaco.services.configs import ConfigTexts
from abaco.services.execution_tokens import ExecutionTokens
from abaco.services.images import Images
from abaco.services.vault import Vault
from abaco.services.work import Limits, Work
from abaco.store import statement

__all__ = ["LEASE_SECONDS", "LIMITS", "TOKENS", "VAULT", "Rig", "statements"]

LIMITS = Limits(
    max_run_seconds=60,
    stop_grace_seconds=3,
    max_pids=100,
    max_log_length=1000,
    log_ex=3600,
    log_ex_limit=7200,
    result_ex=600,
    start_tries=3,
    max_attempts=10,
    default_token=False,
    queues={"default": Queue(4)},
)
VAULT = Vault(lambda: ["a" * 43 + "="])
TOKENS = ExecutionTokens(b"the key of the executions' tokens")
LEASE_SECONDS = 15
_NUMBERS = count(1)


class Rig:
    def __init__(
        self,
        store: Store,
        clock: SetClock | None = None,
        engine_id: str = "engine1",
        limits: Limits = LIMITS,
        max_workers: int = 4,
        max_workers_per_actor: int = 3,
        worker_idle_seconds: float = 60,
        queues: Mapping[str, Queue] | None = None,
    ) -> None:
        queues = queues or {"default": Queue(max_workers)}
        self.store = store
        self.clock = clock or SetClock()
        self.events: list[Event] = []
        self.told: list[str] = []
        self.inbox = Inbox(lambda: None, lambda _: None)
        self.pool = FakePool(self.inbox.put)
        port: Pool = self.pool
        self.crew = Crew()
        emit = self.events.append
        self.work = Work(
            engine_id,
            store,
            Images(store, NoImages(), self.clock),
            ConfigTexts(store, VAULT),
            TOKENS,
            self.clock,
            emit,
            self,
            replace(limits, queues=queues),
        )
        capacity = Capacity(queues, max_workers_per_actor, worker_idle_seconds, sync_idle_seconds=600)
        autoscaler = Autoscaler(
            engine_id, store, port, self.work, self.crew, self.clock, lambda: f"worker{next(_NUMBERS)}", emit, capacity
        )
        self.dispatcher = Dispatcher(
            engine_id, store, port, self.work, self.crew, autoscaler, self.inbox, self.clock, emit, capacity.most
        )
        self.reaper = Reaper(engine_id, "host:/data", store, self.work, self.clock, LEASE_SECONDS)

    def notify(self, *topics: str) -> None:
        """The engine's words to the API."""
        self.told.extend(topics)

    def turn(self, *topics: str, sweep: bool = False) -> Turn:
        """A turn, and if it puts something off, the one that it asks for."""
        self.inbox.hear(set(topics))
        turn = self.dispatcher.run_once(sweep=sweep)
        if not self.dispatcher._put_off:
            return turn
        rest = self.dispatcher.run_once()
        return Turn(turn.ended + rest.ended, turn.claimed + rest.claimed, turn.eventful or rest.eventful)

    def ready_actor(self, actor_id: str = "actor1", **changes: Any) -> Actor:
        """An actor that is READY and has no worker."""
        actor = add_actor(self.store, actor_id, **changes)
        self.store.actors.mark_ready(actor_id, actor.revision, self.clock.now())
        return actor

    def post(self, number: int, actor_id: str = "actor1", prefix: str = "e") -> list[str]:
        """Messages for the actor, and the engine told; the ids of their executions."""
        ids = [f"{prefix}{n:04}" for n in range(number)]
        self.store.mailbox.add([new_message(id_, actor_id) for id_ in ids])
        self.inbox.hear({f"message:{actor_id}"})
        return ids

    def settle(self) -> None:
        """Turn, and let the workers that were started become ready."""
        self.turn()
        self.pool.ready()
        self.turn()

    def drain(self, turns: int = 1000) -> None:
        """Let everything that runs come to a good end until there is nothing left."""
        for _ in range(turns):
            self.settle()
            if not self.pool.running:
                return
            self.pool.end(*self.pool.running)
        raise AssertionError("it did not come to an end")

    def status(self, execution_id: str, actor_id: str = "actor1") -> ExecutionStatus:
        execution = self.store.executions.find(actor_id, execution_id)
        assert execution is not None
        return execution.status

    def look(self, actor_id: str = "actor1") -> Waiting | None:
        """The actor as the engine sees it, also one that is being deleted."""
        found = self.store.claims.waiting([actor_id], self.clock.now(), 1_000_000)
        return found[0] if found else None

    def actor(self, actor_id: str = "actor1") -> tuple[ActorStatus, str]:
        waiting = self.look(actor_id)
        assert waiting is not None
        return waiting.actor.status, waiting.actor.status_message

    def running_of(self, actor_id: str) -> list[str]:
        return [
            execution_id
            for execution_id, (worker_id, _) in self.pool.running.items()
            if worker_id in {member.worker_id for member in self.crew.of(actor_id)}
        ]


@contextmanager
def statements() -> Iterator[list[str]]:
    """Every SQL statement that is executed meanwhile, by SQLAlchemy or by the driver itself."""
    seen: list[str] = []
    executed = statement._executed

    def note_and_execute(connection: Any, form: Any, parameters: Any, **how: Any) -> Any:
        seen.append(form.text)
        return executed(connection, form, parameters, **how)

    def note(_connection: object, _cursor: object, text: str, *_: object) -> None:
        seen.append(text)

    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", note)
    statement._executed = note_and_execute
    try:
        yield seen
    finally:
        statement._executed = executed
        sqlalchemy.event.remove(sqlalchemy.Engine, "before_cursor_execute", note)
