"""What is durable of reactors: events on their way out, and schedules; and how webhooks are posted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from abaco.domain.actor import Actor
from abaco.ports.records import NewMessage

__all__ = ["OutboxEntry", "OutboxRepository", "ScheduleRepository", "WebhookAnswer", "WebhookPost", "Webhooks"]


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """An event on its way out. `link` and `webhook` are what is still to be done; `owner` is the source actor's.

    `attempts` counts posts to the webhook that failed. Nothing is done before `next_at`.
    """

    seq: int
    tenant: str
    actor_id: str
    owner: str
    api_server: str
    event: Mapping[str, Any]
    link: str
    webhook: str
    created_at: datetime
    attempts: int
    next_at: datetime


class OutboxRepository(Protocol):
    """Events are added by whatever they tell of, in its transaction; see `ActorRepository` and `ExecutionRepository`.

    Only the oldest event of an actor is ever due: its events go out in order.
    """

    def due(self, now: datetime, limit: int, busy_tenants: Sequence[str] = ()) -> list[OutboxEntry]:
        """The oldest event of each actor, where it is due: `limit` links, then as many webhooks.

        Each tenant's first comes before anybody's second, and those that wait longest before others. Of `busy_tenants`
        links only.
        """

    def hand_over(self, entry: OutboxEntry, message: NewMessage | None, event: Mapping[str, Any]) -> bool:
        """Be done with the link: add the message, if there is one, and keep `event` for the webhook, if there is one.

        False, and nothing happens, if somebody did so before. Raises NotFound if the target was deleted meanwhile.
        """

    def lease(self, entry: OutboxEntry, until: datetime) -> OutboxEntry | None:
        """Take the event for posting it, so that nobody else does before `until`; None if somebody was faster."""

    def retry(self, entry: OutboxEntry, at: datetime) -> None:
        """Put a leased event back, to be posted again, with one more failed attempt."""

    def release(self, entry: OutboxEntry, now: datetime) -> None:
        """Put a leased event back as it was."""

    def remove(self, entry: OutboxEntry) -> None:
        """Be done with the event."""

    def prune(self, keep: int) -> dict[str, int]:
        """Drop the oldest events of actors for which more than `keep` wait; how many, by actor."""


class ScheduleRepository(Protocol):
    def due(self, now: datetime, limit: int) -> list[Actor]:
        """Actors whose next slot has come, whether or not they are switched on."""

    def advance(self, actor: Actor, next_at: datetime | None, message: NewMessage | None) -> bool:
        """Move on from the slot that `actor` stands at, and add the message of its firing, in one transaction.

        False, and nothing happens, if the schedule, its switch or its slot is no longer that of `actor`.
        """

    def next_at(self) -> datetime | None:
        """When the next actor is due."""


@dataclass(frozen=True, slots=True)
class WebhookPost:
    """One POST. `own` are URLs of this service itself, which webhooks may always lead to."""

    url: str
    body: bytes
    headers: Mapping[str, str]
    own: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class WebhookAnswer:
    """What came of it: the HTTP status, or None with a `problem`. With `final`, trying again would be in vain."""

    status: int | None
    problem: str = ""
    final: bool = False


class Webhooks(Protocol):
    async def post(self, post: WebhookPost) -> WebhookAnswer:
        """Post once, in bounded time; never raises for what the other side does. Redirects are not followed."""
