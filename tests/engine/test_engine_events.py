"""Events going out (contract 9): links exactly once, webhooks in order, nobody held up by somebody else's."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from engine.rig import Rig
from store.scene import NOW, add_actor, later

from abaco.domain.alias import Alias
from abaco.domain.event import EventsDropped, LinkSkipped, WebhookFailed, WebhookPosted
from abaco.domain.permission import WORLD, Level
from abaco.domain.tenant import Tenant
from abaco.domain.user import Role, User
from abaco.domain.webhook import owner_key, signature
from abaco.engine.outbox import Outbox
from abaco.ports import WebhookAnswer, WebhookPost
from abaco.services.events import Events, Posting, WebhookRules
from abaco.store.sql import SqlStore

pytestmark = pytest.mark.parametrize("kind", ["sqlite", "postgres"], indirect=True)
WEBHOOK = "https://example.org/events"
OK = WebhookAnswer(200)


class ScriptedWebhooks:
    """Answers as told; remembers what it was sent."""

    def __init__(self) -> None:
        self.posts: list[WebhookPost] = []
        self.answer: Callable[[WebhookPost], WebhookAnswer] = lambda _: OK

    async def post(self, post: WebhookPost) -> WebhookAnswer:
        self.posts.append(post)
        await anyio.lowlevel.checkpoint()
        return self.answer(post)

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(post.body) for post in self.posts]


class Post:
    """An engine with its way out."""

    def __init__(self, store: SqlStore) -> None:
        self.rig = Rig(store)
        self.webhooks = ScriptedWebhooks()
        self._ids = iter(f"event{number}" for number in range(1000))
        self.woken = 0
        self.outbox = self.restarted()

    def restarted(self, **rules: Any) -> Outbox:
        rig = self.rig
        chosen = replace(WebhookRules(tries=3, timeout_seconds=10, key=b"k", base_url="http://own"), **rules)
        events = Events(rig.store, rig.clock, lambda: next(self._ids), rig.inbox, rig.events.append, chosen)
        return Outbox(events, self.webhooks, self._wake)

    def _wake(self) -> None:
        self.woken += 1

    def turn(self) -> int:
        """Deliver what is due, to the end of each POST; how many were posted."""
        postings = self.outbox.run_once()

        async def together() -> None:
            async with anyio.create_task_group() as tasks:
                for posting in postings:
                    tasks.start_soon(self.outbox.post, posting)

        anyio.run(together)
        return len(postings)

    def settle(self) -> None:
        while self.turn():
            pass

    def message_of(self, actor_id: str) -> list[Any]:
        """What was sent to the actor's mailbox, in order, by running it."""
        self.rig.drain()
        return [execution.executor for execution in self.rig.store.executions.of_actor(actor_id)]

    def telemetry(self, kind: type) -> list[Any]:
        return [event for event in self.rig.events if isinstance(event, kind)]


@pytest.fixture
def post(store: SqlStore) -> Post:
    return Post(store)


def test_a_linked_actor_is_told_in_order(post: Post) -> None:
    post.rig.ready_actor("target")
    post.rig.ready_actor("actor1", link="target")
    post.rig.post(1)
    post.rig.drain()

    post.outbox.run_once()

    post.rig.settle()
    first, second = post.rig.pool.running.values()
    environment = first[1].spec.environment
    assert "'event_type': 'ACTOR_READY'" in environment["MSG"]
    assert "'_abaco_link': 'DEV_target'" in environment["MSG"]
    assert json.loads(environment["_abaco_msg_json"])["actor_id"] == "actor1"
    assert environment["_abaco_Content_Type"] == "application/json"
    assert environment["_abaco_username"] == "Abaco Event"
    assert environment["_abaco_actor_id"] == "target"
    message = json.loads(second[1].spec.environment["_abaco_msg_json"])
    assert (message["event_type"], message["execution_id"]) == ("EXECUTION_COMPLETE", "e0000")
    assert (message["status"], message["exit_code"]) == ("COMPLETE", 0)
    assert set(message) == {
        "tenant_id",
        "event_type",
        "event_time_utc",
        "event_time_display",
        "actor_id",
        "actor_dbid",
        "_abaco_link",
        "_abaco_webhook",
        "execution_id",
        "status",
        "exit_code",
    }


def test_chains_go_on(post: Post) -> None:
    post.rig.ready_actor("c")
    post.rig.ready_actor("b", link="c")
    post.rig.ready_actor("a", link="b")
    for _ in range(3):
        post.outbox.run_once()
        post.rig.drain()
    assert post.message_of("b") == ["Abaco Event"]
    # b's own READY, and the end of the execution that a's READY caused.
    assert post.message_of("c") == ["Abaco Event", "Abaco Event"]


def test_an_alias_is_resolved_when_the_event_goes_out(post: Post) -> None:
    for actor_id in ("old", "new"):
        post.rig.ready_actor(actor_id)
    alias = Alias("alias1", "DEV", "watcher", "old", "ada", "https://abaco.test", NOW)
    post.rig.store.aliases.add(alias)
    post.rig.ready_actor("actor1", link="watcher")
    post.rig.store.aliases.retarget(alias, "new", "ada")
    post.outbox.run_once()
    assert post.rig.store.mailbox.count("old") == 0
    assert post.rig.store.mailbox.count("new") == 1


def test_a_link_to_nobody_is_skipped(post: Post) -> None:
    post.rig.ready_actor("actor1", link="nobody")
    post.outbox.run_once()
    [skipped] = post.telemetry(LinkSkipped)
    assert (skipped.link, skipped.event_type) == ("nobody", "ACTOR_READY")
    assert post.rig.store.outbox.due(later(days=1), 10) == []


def test_links_do_not_outlive_the_owners_permission(post: Post) -> None:
    post.rig.ready_actor("target", owner="bob")
    store = post.rig.store
    store.permissions.grant("target", "ada", Level.READ)
    post.rig.ready_actor("actor1", link="target")
    post.outbox.run_once()
    assert store.mailbox.count("target") == 0
    assert "EXECUTE" in post.telemetry(LinkSkipped)[0].reason
    store.permissions.grant("target", WORLD, Level.EXECUTE)
    store.actors.mark_error("actor1", 1, "trouble", NOW)
    post.outbox.run_once()
    assert store.mailbox.count("target") == 1


def test_administrators_need_no_permission(post: Post) -> None:
    store = post.rig.store
    store.tenants.put(Tenant("DEV"))
    store.users.put(User("DEV", "root", frozenset({Role.ADMIN})), "hash")
    post.rig.ready_actor("target", owner="bob")
    post.rig.ready_actor("actor1", owner="root", link="target")
    post.outbox.run_once()
    assert store.mailbox.count("target") == 1


def test_no_event_leaves_its_tenant(post: Post) -> None:
    post.rig.ready_actor("target", tenant="OTHER")
    post.rig.ready_actor("actor1", link="target")
    post.outbox.run_once()
    assert post.rig.store.mailbox.count("target") == 0


def test_events_do_not_run_in_circles(post: Post) -> None:
    """Two updates at the same time can close a cycle that neither closes alone."""
    post.rig.ready_actor("a", link="b")
    post.rig.ready_actor("b", link="a")
    post.outbox.run_once()
    assert post.rig.store.mailbox.count("a") == post.rig.store.mailbox.count("b") == 0
    assert len(post.telemetry(LinkSkipped)) == 2


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_crash_neither_loses_nor_doubles_a_message(post: Post, monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    post.rig.ready_actor("target")
    post.rig.ready_actor("actor1", link="target")
    hand_over = post.rig.store.outbox.hand_over

    def crash(*given: Any) -> bool:
        if moment == "after":
            hand_over(*given)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(post.rig.store.outbox, "hand_over", crash)
        with pytest.raises(KeyboardInterrupt):
            post.outbox.run_once()
    post.restarted().run_once()
    assert post.rig.store.mailbox.count("target") == 1


def test_a_webhook_is_posted_signed(post: Post) -> None:
    post.rig.ready_actor("actor1", webhook=WEBHOOK)

    assert post.turn() == 1

    [sent] = post.webhooks.posts
    assert sent.url == WEBHOOK
    assert sent.own == ("http://own", "https://abaco.test")
    assert sent.headers["Content-Type"] == "application/json"
    timestamp = sent.headers["X-Abaco-Timestamp"]
    assert timestamp == str(int(NOW.timestamp()))
    assert sent.headers["X-Abaco-Signature"] == signature(owner_key(b"k", "DEV", "ada"), timestamp, sent.body)
    assert post.webhooks.bodies == [
        {
            "tenant_id": "DEV",
            "event_type": "ACTOR_READY",
            "event_time_utc": "2026-04-29T21:46:53.393Z",
            "event_time_display": "2026-04-29T21:46:53.393Z",
            "actor_id": "actor1",
            "actor_dbid": "DEV_actor1",
            "_abaco_link": "",
            "_abaco_webhook": WEBHOOK,
            "status_message": " ",
            "_abaco_Content_Type": "application/json",
            "_abaco_username": "Abaco Event",
            "_abaco_api_server": "https://abaco.test",
        },
    ]
    assert post.turn() == 0
    assert len(post.telemetry(WebhookPosted)) == 1


def test_the_link_goes_before_the_webhook(post: Post) -> None:
    post.rig.ready_actor("target")
    post.rig.ready_actor("actor1", link="target", webhook=WEBHOOK)
    post.settle()
    [execution] = post.rig.store.executions.of_actor("target")
    [body] = post.webhooks.bodies
    assert (body["_abaco_link"], body["_abaco_execution_id"]) == ("DEV_target", execution.id)


def test_failures_are_tried_again_in_order_with_growing_pauses(post: Post) -> None:
    post.rig.ready_actor("actor1", webhook=WEBHOOK)
    post.rig.store.actors.mark_error("actor1", 1, "trouble", NOW)
    post.webhooks.answer = lambda _: WebhookAnswer(503)
    pauses = []
    for _ in range(3):
        assert post.turn() == 1
        pause = 0
        while not post.rig.store.outbox.due(post.rig.clock.now(), 1):
            post.rig.clock.advance(1)
            pause += 1
        pauses.append(pause)
    # The third try was the last: the next event's turn comes at once.
    assert pauses == [1, 4, 0]
    post.webhooks.answer = lambda _: OK
    assert post.turn() == 1
    assert [body["event_type"] for body in post.webhooks.bodies] == [*["ACTOR_READY"] * 3, "ACTOR_ERROR"]
    assert [failed.retry for failed in post.telemetry(WebhookFailed)] == [True, True, False]


@pytest.mark.parametrize("answer", [WebhookAnswer(404, final=True), WebhookAnswer(None, "no such", final=True)])
def test_what_is_in_vain_is_not_tried_again(post: Post, answer: WebhookAnswer) -> None:
    post.rig.ready_actor("actor1", webhook=WEBHOOK)
    post.webhooks.answer = lambda _: answer
    post.turn()
    assert [failed.retry for failed in post.telemetry(WebhookFailed)] == [False]
    assert post.rig.store.outbox.due(later(days=1), 10) == []


def test_a_fault_of_ours_is_a_failure_of_that_webhook(post: Post) -> None:
    post.rig.ready_actor("actor1", webhook=WEBHOOK)

    def fault(_: WebhookPost) -> WebhookAnswer:
        raise RuntimeError("a secret of the request")

    post.webhooks.answer = fault
    assert post.turn() == 1
    [failed] = post.telemetry(WebhookFailed)
    assert (failed.reason, failed.retry) == ("it could not be posted: RuntimeError", True)


def test_a_webhook_under_way_holds_up_its_own_actor_only(post: Post) -> None:
    for actor_id in ("actor1", "actor2"):
        post.rig.ready_actor(actor_id, webhook=WEBHOOK)
    [slow, _] = post.outbox.run_once()
    post.rig.store.actors.mark_error("actor1", 1, "trouble", NOW)
    add_actor(post.rig.store, "actor3", webhook=WEBHOOK)
    post.rig.store.actors.mark_ready("actor3", 1, NOW)
    [other] = post.outbox.run_once()
    assert (slow.entry.actor_id, other.entry.actor_id) == ("actor1", "actor3")


def test_places_are_shared_by_tenants(post: Post) -> None:
    for number in range(5):
        post.rig.ready_actor(f"many{number}", webhook=WEBHOOK)
    post.rig.ready_actor("one", tenant="OTHER", webhook=WEBHOOK)
    post.outbox = post.restarted(connections=4, connections_per_tenant=3)
    taken = post.outbox.run_once()
    assert sorted(posting.entry.tenant for posting in taken) == ["DEV", "DEV", "DEV", "OTHER"]
    assert post.outbox.run_once() == []


def test_slow_webhooks_hold_up_no_links(post: Post) -> None:
    post.outbox = post.restarted(connections_per_tenant=1)
    post.rig.ready_actor("slow", webhook=WEBHOOK)
    assert len(post.outbox.run_once()) == 1  # and it is under way from now on
    post.rig.ready_actor("target")
    post.rig.ready_actor("actor1", link="target")
    post.outbox.run_once()
    assert len(post.message_of("target")) == 1


def test_a_stop_puts_back_what_is_under_way(post: Post) -> None:
    post.rig.ready_actor("actor1", webhook=WEBHOOK)
    [posting] = post.outbox.run_once()

    async def stopped() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(post.outbox.post, posting)
            tasks.cancel_scope.cancel()

    anyio.run(stopped)
    assert post.rig.store.outbox.due(NOW, 1) != []
    assert post.turn() == 1
    assert post.telemetry(WebhookFailed) == []


def test_what_a_dead_engine_was_posting_is_posted_again(post: Post) -> None:
    post.rig.ready_actor("actor1", webhook=WEBHOOK)
    taken: list[Posting] = post.outbox.run_once()
    assert len(taken) == 1
    post.outbox = post.restarted()
    assert post.turn() == 0
    post.rig.clock.advance(30)
    assert post.turn() == 1


def test_a_long_backlog_is_cut(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("abaco.services.events.MAX_BACKLOG", 1)
    post.rig.ready_actor("actor1", webhook=WEBHOOK)
    post.rig.store.actors.mark_error("actor1", 1, "trouble", NOW)
    post.outbox.drop_surplus()
    assert post.telemetry(EventsDropped) == [EventsDropped("actor1", 1)]
    post.settle()
    assert [body["event_type"] for body in post.webhooks.bodies] == ["ACTOR_ERROR"]


def test_a_turn_says_whether_there_may_be_events(post: Post) -> None:
    post.rig.ready_actor("actor1", webhook=WEBHOOK)
    post.rig.ready_actor("silent")
    for actor_id, eventful in (("actor1", True), ("silent", False)):
        [execution_id] = post.rig.post(1, actor_id, prefix=actor_id)
        post.rig.settle()
        post.rig.pool.end(execution_id)
        assert post.rig.turn().eventful is eventful
