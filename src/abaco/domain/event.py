"""What happens in the service, in the past tense; `telemetry` writes it down."""

from dataclasses import dataclass

__all__ = [
    "ActorDeleted",
    "ActorFailed",
    "ActorReady",
    "ActorRegistered",
    "ActorScheduled",
    "ActorUpdated",
    "AliasChanged",
    "AliasDeleted",
    "ConfigChanged",
    "ConfigDeleted",
    "Event",
    "EventsDropped",
    "ExecutionClaimed",
    "ExecutionFinished",
    "ExecutionRequeued",
    "LateOutcomeIgnored",
    "LinkFollowed",
    "LinkSkipped",
    "MailboxPurged",
    "MessagePosted",
    "ScheduleStopped",
    "WebhookFailed",
    "WebhookPosted",
    "WorkerStarted",
    "WorkerStopRequested",
    "WorkerStopped",
    "WorkersRequested",
]


@dataclass(frozen=True, slots=True)
class Event:
    """The base of all; field names become keys of the log line."""


@dataclass(frozen=True, slots=True)
class ActorRegistered(Event):
    tenant: str
    actor_id: str
    image: str
    owner: str


@dataclass(frozen=True, slots=True)
class ActorScheduled(Event):
    """The actor's schedule came due; without `execution_id` it was switched off. `next_at` is the next slot."""

    tenant: str
    actor_id: str
    execution_id: str | None
    next_at: str | None


@dataclass(frozen=True, slots=True)
class ScheduleStopped(Event):
    """The actor's schedule will not come due again."""

    tenant: str
    actor_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class LinkFollowed(Event):
    """An event of one actor became a message of another."""

    actor_id: str
    target_id: str
    execution_id: str
    event_type: str


@dataclass(frozen=True, slots=True)
class LinkSkipped(Event):
    actor_id: str
    link: str
    event_type: str
    reason: str


@dataclass(frozen=True, slots=True)
class WebhookPosted(Event):
    actor_id: str
    event_type: str
    host: str
    status: int | None


@dataclass(frozen=True, slots=True)
class WebhookFailed(Event):
    """`retry` says whether it will be posted again."""

    actor_id: str
    event_type: str
    host: str
    reason: str
    attempt: int
    retry: bool


@dataclass(frozen=True, slots=True)
class EventsDropped(Event):
    """More events of the actor waited than are kept; the oldest are lost."""

    actor_id: str
    count: int


@dataclass(frozen=True, slots=True)
class ActorUpdated(Event):
    tenant: str
    actor_id: str
    revision: int
    username: str


@dataclass(frozen=True, slots=True)
class ActorDeleted(Event):
    tenant: str
    actor_id: str
    username: str


@dataclass(frozen=True, slots=True)
class ActorReady(Event):
    actor_id: str
    image_digest: str


@dataclass(frozen=True, slots=True)
class ActorFailed(Event):
    actor_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class AliasChanged(Event):
    """The alias was made, or names another actor now."""

    tenant: str
    alias: str
    actor_id: str
    username: str


@dataclass(frozen=True, slots=True)
class AliasDeleted(Event):
    tenant: str
    alias: str
    username: str


@dataclass(frozen=True, slots=True)
class ConfigChanged(Event):
    """The config was made or updated."""

    tenant: str
    name: str
    username: str


@dataclass(frozen=True, slots=True)
class ConfigDeleted(Event):
    tenant: str
    name: str
    username: str


@dataclass(frozen=True, slots=True)
class MessagePosted(Event):
    tenant: str
    actor_id: str
    execution_id: str
    content_type: str


@dataclass(frozen=True, slots=True)
class MailboxPurged(Event):
    tenant: str
    actor_id: str
    count: int


@dataclass(frozen=True, slots=True)
class ExecutionClaimed(Event):
    actor_id: str
    execution_id: str
    attempt: int
    worker_id: str


@dataclass(frozen=True, slots=True)
class ExecutionFinished(Event):
    actor_id: str
    execution_id: str
    attempt: int
    status: str
    reason: str
    exit_code: int | None


@dataclass(frozen=True, slots=True)
class ExecutionRequeued(Event):
    execution_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class LateOutcomeIgnored(Event):
    """Word from a former owner of the message: recorded, never applied."""

    execution_id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class WorkersRequested(Event):
    """A user wants the actor to have at least `number` workers."""

    tenant: str
    actor_id: str
    number: int
    username: str


@dataclass(frozen=True, slots=True)
class WorkerStopRequested(Event):
    tenant: str
    actor_id: str
    worker_id: str
    username: str


@dataclass(frozen=True, slots=True)
class WorkerStarted(Event):
    worker_id: str
    actor_id: str
    revision: int


@dataclass(frozen=True, slots=True)
class WorkerStopped(Event):
    worker_id: str
    actor_id: str
    reason: str
