"""Executions and their logs."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from abaco.api.schemas.base import Camel, Links

__all__ = ["Execution", "Logs", "Summary"]


class ExecutionLinks(Struct):
    self: str
    owner: str
    logs: str


class Execution(Camel, kw_only=True):
    """The processing of one message by one container."""

    id: str
    actor_id: str
    api_server: str
    executor: str
    status: Annotated[str, Meta(description="SUBMITTED, RUNNING, COMPLETE or ERROR.")]
    message_received_time: str
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


class LogLinks(Struct):
    self: str
    owner: str
    execution: str


class Logs(Struct):
    logs: str
    links: LogLinks = msgspec.field(name="_links")
