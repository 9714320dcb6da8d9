"""Executions: what became of the messages, one container run each."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from abaco.client.connection import Connection, path
from abaco.client.polling import Clock, wait_for
from abaco.client.record import Record

__all__ = ["TERMINAL", "Execution", "ExecutionEntry", "ExecutionSummary", "Executions", "Explanation"]

TERMINAL = frozenset({"COMPLETE", "ERROR"})


class ExecutionEntry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One line of an actor's summary of executions."""

    id: str
    status: str
    message_received_time: datetime | None = None
    start_time: datetime | None = None
    finish_time: datetime | None = None


class ExecutionSummary(Record, frozen=True, kw_only=True, rename="camel"):
    """All executions of an actor, oldest first, and sums in nanoseconds (cpu), bytes (io) and seconds (runtime)."""

    actor_id: str
    executions: tuple[ExecutionEntry, ...]
    owner: str = ""
    total_executions: int = 0
    total_cpu: int = 0
    total_io: int = 0
    total_runtime: int = 0


class Times(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """When an execution came by; None where it has not, or that is not known."""

    queued: datetime | None = None
    claimed: datetime | None = None
    prepared: datetime | None = None
    started: datetime | None = None
    first_output: datetime | None = None
    exited: datetime | None = None
    recorded: datetime | None = None


class Durations(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Milliseconds of each phase; None where it is not over, or that is not known."""

    waiting: int | None = None
    preparing: int | None = None
    starting: int | None = None
    running: int | None = None
    until_output: int | None = None
    recording: int | None = None
    total: int | None = None


class Execution(Record, frozen=True, kw_only=True, rename="camel"):
    """One execution. `cpu` is in nanoseconds, `io` in bytes received, `runtime` in whole seconds."""

    id: str
    actor_id: str
    status: str
    executor: str = ""
    worker_id: str | None = None
    message_received_time: datetime | None = None
    not_before: datetime | None = None
    start_time: datetime | None = None
    finish_time: datetime | None = None
    runtime: int = 0
    cpu: int = 0
    io: int = 0
    exit_code: int | str | None = None  # "undetermined" where the runtime could not tell
    final_state: dict[str, Any] | None = None
    times: Times = Times()
    durations: Durations = Durations()

    @property
    def reason(self) -> str:
        """Why the container did not simply end (out of memory, halted, could not start); empty if it did."""
        return str((self.final_state or {}).get("Error") or "")


class Explanation(Record, frozen=True, kw_only=True, rename="camel"):
    """Why an execution waits, or how it ended: `code` for programs, `reason` for people.

    `waits_for` is an execution, `until` a moment, `messages_before` how many of its actor wait before its own; None
    where there is none. Of what goes on `durations` are those until now.
    """

    id: str
    actor_id: str
    status: str
    code: str
    reason: str
    messages_before: int | None = None
    waits_for: str | None = None
    until: datetime | None = None
    times: Times = Times()
    durations: Durations = Durations()


class Executions:
    """The executions of actors: ``/actors/v2/{actor}/executions``."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def list(self, actor_id: str) -> ExecutionSummary:
        return ExecutionSummary.from_wire(self._connection.get(path(actor_id, "executions")))

    def get(self, actor_id: str, execution_id: str) -> Execution:
        """Raises NotFound if the actor has no such execution."""
        return Execution.from_wire(self._connection.get(path(actor_id, "executions", execution_id)))

    def explain(self, actor_id: str, execution_id: str) -> Explanation:
        """Where its time goes, and why it waits or how it ended. Raises NotFound if the actor has no such execution."""
        return Explanation.from_wire(self._connection.get(path(actor_id, "executions", execution_id, "explain")))

    def halt(self, actor_id: str, execution_id: str) -> None:
        """Stop the container. Raises Conflict unless the execution is running."""
        self._connection.delete(path(actor_id, "executions", execution_id))

    def wait(
        self,
        actor_id: str,
        execution_id: str,
        timeout: float | None = None,
        on_change: Callable[[Execution], None] | None = None,
    ) -> Execution:
        """The execution once it is COMPLETE or ERROR. Raises TimeoutError after `timeout` seconds (None: never)."""
        return wait_for(lambda: self.get(actor_id, execution_id), TERMINAL, self._clock, timeout, on_change)
