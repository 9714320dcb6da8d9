"""Executions and their logs."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from abaco.api.schemas.base import Camel, Links

__all__ = ["Execution", "Explanation", "Logs", "Results", "Summary"]


class ExecutionLinks(Struct):
    self: str
    owner: str
    logs: str


class Times(Camel, kw_only=True):
    """When an execution came by; null where it has not, or that is not known."""

    queued: str
    claimed: str | None
    prepared: str | None
    started: str | None
    first_output: str | None
    exited: str | None
    recorded: str | None


class Durations(Camel, kw_only=True):
    """Milliseconds of each phase; null where it is not over, or not known."""

    waiting: int | None
    preparing: int | None
    starting: int | None
    running: int | None
    until_output: int | None
    recording: int | None
    total: int | None


class Execution(Camel, kw_only=True):
    """The processing of one message by one container."""

    id: str
    actor_id: str
    api_server: str
    executor: str
    status: Annotated[str, Meta(description="SUBMITTED, RUNNING, COMPLETE or ERROR.")]
    message_received_time: str
    not_before: str | UnsetType = UNSET
    worker_id: str | UnsetType = UNSET
    start_time: str | UnsetType = UNSET
    finish_time: str | UnsetType = UNSET
    runtime: Annotated[int, Meta(description="Seconds.")]
    cpu: Annotated[int, Meta(description="Nanoseconds.")]
    io: Annotated[int, Meta(description="Bytes received.")]
    exit_code: int | UnsetType = UNSET
    final_state: dict[str, Any] | UnsetType = UNSET
    attempts: Annotated[int, Meta(description="How often its container was started.")]
    image_digest: str | UnsetType = UNSET
    times: Times
    durations: Durations
    links: ExecutionLinks = msgspec.field(name="_links")


class Explanation(Camel, kw_only=True):
    """Why an execution waits, or how it ended."""

    id: str
    actor_id: str
    status: Annotated[str, Meta(description="SUBMITTED, RUNNING, COMPLETE or ERROR.", examples=["SUBMITTED"])]
    code: str
    reason: str
    messages_before: int | None
    waits_for: str | None
    until: str | None
    times: Times
    durations: Durations
    links: ExecutionLinks = msgspec.field(name="_links")


class SummaryEntry(Camel, kw_only=True):
    id: str
    status: str
    start_time: str | None
    finish_time: str | None
    message_received_time: str


class Summary(Camel, kw_only=True):
    actor_id: str
    api_server: str
    owner: str
    executions: list[SummaryEntry]
    total_executions: int
    total_cpu: int
    total_io: int
    total_runtime: int
    links: Links = msgspec.field(name="_links")


class Result(Camel, kw_only=True):
    number: int
    execution_id: str
    data: str


class Results(Struct):
    results: list[Result]
    links: Links = msgspec.field(name="_links")


class LogLinks(Struct):
    self: str
    owner: str
    execution: str


class Logs(Struct):
    logs: str
    links: LogLinks = msgspec.field(name="_links")
