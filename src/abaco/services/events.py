"""Delivering actors' events: first the link, then the webhook, in order for each actor."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from abaco.domain.actor import Actor
from abaco.domain.actor_event import EVENT_EXECUTOR, linked, webhook_body
from abaco.domain.event import EventsDropped, LinkFollowed, LinkSkipped, WebhookFailed, WebhookPosted
from abaco.domain.execution import submitted
from abaco.domain.ids import NewId
from abaco.domain.message import ContentType, Payload
from abaco.domain.webhook import origin_of, owner_key, signature
from abaco.errors import NotFound
from abaco.ports import (
    Clock,
    Emit,
    NewMessage,
    Notifier,
    OutboxEntry,
    Store,
    WebhookAnswer,
    WebhookPost,
)
from abaco.services.links import owner_may_execute, runs_in_a_circle

__all__ = ["MAX_BACKLOG", "Events", "Posting", "WebhookRules"]

MAX_BACKLOG = 10_000
"""Events of one actor that may wait for their delivery; the oldest beyond are dropped."""
_GRACE_SECONDS = 20.0
"""Between the longest POST and the end of its lease: by then the engine that took it is dead."""
_FIRST_RETRY_SECONDS = 1.0
_RETRY_FACTOR = 4.0
_LONGEST_RETRY_SECONDS = 300.0
_BATCH = 100


@dataclass(frozen=True, slots=True)
class WebhookRules:
    """At most `tries` posts an event, of `timeout_seconds` each; the server's secret `key` and its own `base_url`."""

    tries: int
    timeout_seconds: float
    key: bytes
    base_url: str
    connections: int = 32
    connections_per_tenant: int = 24


@dataclass(frozen=True, slots=True)
class Posting:
    """An event that is leased, and its POST."""

    entry: OutboxEntry
    post: WebhookPost


class Events:
    def __init__(
        self, store: Store, clock: Clock, new_id: NewId, notifier: Notifier, emit: Emit, rules: WebhookRules
    ) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._notifier = notifier
        self._emit = emit
        self._rules = rules

    def take(self, under_way: Sequence[OutboxEntry]) -> tuple[int, list[Posting]]:
        """Deliver links that are due, how many, and take webhooks to be posted while `under_way` are posted, too."""
        tenants = Counter(entry.tenant for entry in under_way)
        busy = [tenant for tenant, count in tenants.items() if count >= self._rules.connections_per_tenant]
        due = self._store.outbox.due(self._clock.now(), _BATCH, busy)
        actors = {entry.actor_id for entry in under_way}
        links = [entry for entry in due if entry.link and entry.actor_id not in actors]
        for entry in links:
            self._deliver_link(entry)
        room = self._rules.connections - len(under_way)
        waiting = [entry for entry in due if not entry.link and entry.actor_id not in actors]
        chosen = _shared_out(waiting, tenants, room, self._rules.connections_per_tenant)
        return len(links), self._lease(chosen)

    # --- links ---

    def _deliver_link(self, entry: OutboxEntry) -> None:
        target = self._store.actors.find(entry.tenant, entry.link, entry.owner)
        if target is None:
            self._skip(entry, "there is no such actor any more")
        elif not owner_may_execute(self._store, entry.tenant, entry.owner, target):
            self._skip(entry, "the owner lacks EXECUTE on it")
        elif runs_in_a_circle(self._store, entry.actor_id, target.actor):
            self._skip(entry, "the links close a cycle, or are too many")
        else:
            self._send(entry, target.actor)

    def _send(self, entry: OutboxEntry, target: Actor) -> None:
        event = linked(entry.event, target.dbid)
        execution = submitted(self._new_id(), target, EVENT_EXECUTOR, self._clock.now())
        message = NewMessage(target.id, execution, Payload(ContentType.JSON, event), target.revision)
        try:
            sent = self._store.outbox.hand_over(entry, message, event | {"_abaco_execution_id": execution.id})
        except NotFound:
            self._skip(entry, "there is no such actor any more")
            return
        if sent:
            self._notifier.notify(f"message:{target.id}")
            self._emit(LinkFollowed(entry.actor_id, target.id, execution.id, _kind(entry)))

    def _skip(self, entry: OutboxEntry, reason: str) -> None:
        if self._store.outbox.hand_over(entry, None, entry.event):
            self._emit(LinkSkipped(entry.actor_id, entry.link, _kind(entry), reason))

    # --- webhooks ---

    def _lease(self, chosen: Sequence[OutboxEntry]) -> list[Posting]:
        until = self._clock.now() + timedelta(seconds=self._rules.timeout_seconds + _GRACE_SECONDS)
        leased = (self._store.outbox.lease(entry, until) for entry in chosen)
        return [Posting(entry, self._post(entry)) for entry in leased if entry is not None]

    def _post(self, entry: OutboxEntry) -> WebhookPost:
        body = msgspec.json.encode(webhook_body(entry.event, entry.api_server))
        timestamp = str(int(self._clock.now().timestamp()))
        key = owner_key(self._rules.key, entry.tenant, entry.owner)
        headers = {
            "Content-Type": "application/json",
            "X-Abaco-Timestamp": timestamp,
            "X-Abaco-Signature": signature(key, timestamp, body),
        }
        return WebhookPost(entry.webhook, body, headers, (self._rules.base_url, entry.api_server))

    def landed(self, posting: Posting, answer: WebhookAnswer) -> None:
        """Record what came of a POST: done, to be tried again later, or given up."""
        entry, host = posting.entry, origin_of(posting.entry.webhook).host
        if answer.status is not None and 200 <= answer.status < 300:
            self._store.outbox.remove(entry)
            self._emit(WebhookPosted(entry.actor_id, _kind(entry), host, answer.status))
            return
        attempt = entry.attempts + 1
        retry = not answer.final and attempt < self._rules.tries
        if retry:
            delay = min(_FIRST_RETRY_SECONDS * _RETRY_FACTOR**entry.attempts, _LONGEST_RETRY_SECONDS)
            self._store.outbox.retry(entry, self._clock.now() + timedelta(seconds=delay))
        else:
            self._store.outbox.remove(entry)
        reason = answer.problem or f"it answered {answer.status}"
        self._emit(WebhookFailed(entry.actor_id, _kind(entry), host, reason, attempt, retry))

    def abandoned(self, posting: Posting) -> None:
        """The POST was cut short, nobody knows where: it is due again."""
        self._store.outbox.release(posting.entry, self._clock.now())

    def drop_surplus(self) -> None:
        """Keep no more than the newest MAX_BACKLOG events of an actor."""
        for actor_id, count in self._store.outbox.prune(MAX_BACKLOG).items():
            self._emit(EventsDropped(actor_id, count))


def _kind(entry: OutboxEntry) -> str:
    return str(entry.event["event_type"])


def _shared_out(
    waiting: Collection[OutboxEntry], under_way: Counter[str], room: int, per_tenant: int
) -> list[OutboxEntry]:
    """As many of `waiting` as there is `room` for, always the next of the tenant that has the fewest."""
    queues: dict[str, list[OutboxEntry]] = {}
    for entry in waiting:
        queues.setdefault(entry.tenant, []).append(entry)
    counts = Counter(under_way)
    chosen: list[OutboxEntry] = []
    while len(chosen) < room and queues:
        tenant = min(queues, key=lambda name: counts[name])
        if counts[tenant] >= per_tenant:
            break
        chosen.append(queues[tenant].pop(0))
        counts[tenant] += 1
        if not queues[tenant]:
            del queues[tenant]
    return chosen
