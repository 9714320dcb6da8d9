"""What requests and responses hold, for the OpenAPI document.

Requests are parsed by the contract's own rules (`params`) and responses rendered by `wire`: these types only
describe them, and the tests hold them to it.
"""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

__all__ = [
    "Actor",
    "ActorDescription",
    "Execution",
    "Failure",
    "Logs",
    "Message",
    "Messages",
    "Posted",
    "Purged",
    "State",
    "Summary",
]


class Camel(Struct, rename="camel"):
    """Fields as /actors/v2 spells them; under /v3/actors they are spelled in snake_case."""


class ActorLinks(Struct):
    self: str
    owner: str
    executions: str


class Actor(Camel, kw_only=True):
    """A registered actor."""

    id: str
    image: str
    name: str | UnsetType = UNSET
    description: str
    type: str
    owner: str
    default_environment: dict[str, Any]
    stateless: bool
    state: Any
    hints: list[str]
    token: bool | str
    privileged: bool
    use_container_uid: bool
    queue: str
    max_workers: int | UnsetType = UNSET
    mem_limit: str | UnsetType = UNSET
    max_cpus: Annotated[int, Meta(description="Nano-CPUs.")] | UnsetType = UNSET
    log_ex: Annotated[int, Meta(description="Seconds.")] | UnsetType = UNSET
    uid: str | UnsetType = UNSET
    gid: str | UnsetType = UNSET
    revision: int
    status: Annotated[str, Meta(description="SUBMITTED, READY, ERROR or SHUTTING_DOWN.")]
    status_message: str
    create_time: str
    last_update_time: str
    links: ActorLinks = msgspec.field(name="_links")


class ActorDescription(Camel, kw_only=True):
    """What registering and updating an actor takes; JSON, form or query parameters."""

    image: Annotated[str, Meta(description="Container image, such as abacosamples/test.", examples=["abacosamples/wc"])]
    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    type: str | UnsetType = UNSET
    default_environment: dict[str, Any] | UnsetType = UNSET
    stateless: bool | UnsetType = UNSET
    state: dict[str, Any] | UnsetType = UNSET
    hints: list[str] | UnsetType = UNSET
    token: bool | UnsetType = UNSET
    use_container_uid: bool | UnsetType = UNSET
    queue: str | UnsetType = UNSET
    max_workers: int | UnsetType = UNSET
    mem_limit: str | UnsetType = UNSET
    max_cpus: int | UnsetType = UNSET
    log_ex: int | UnsetType = UNSET
    force: Annotated[bool, Meta(description="Update only: start a new revision.")] | UnsetType = UNSET


class PostedLinks(Struct):
    self: str
    owner: str
    messages: str


class Posted(Camel, kw_only=True):
    """A message that is on disk."""

    execution_id: str
    msg: Any
    links: PostedLinks = msgspec.field(name="_links")


class Message(Struct):
    """A text message; any other JSON value is a message as it is."""

    message: str


class MailboxLinks(Struct):
    self: str
    owner: str


class Messages(Struct):
    messages: Annotated[int, Meta(description="Messages that wait, not counting those being executed.")]
    links: MailboxLinks = msgspec.field(name="_links")


class Purged(Struct):
    msg: str
    links: MailboxLinks = msgspec.field(name="_links")


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
    links: MailboxLinks = msgspec.field(name="_links")


class LogLinks(Struct):
    self: str
    owner: str
    execution: str


class Logs(Struct):
    logs: str
    links: LogLinks = msgspec.field(name="_links")


class State(Struct):
    state: Any


class Failure(Struct):
    """Every error; the header X-Abaco-Error-Code names its kind."""

    message: str
    status: str
    version: str
    result: None
