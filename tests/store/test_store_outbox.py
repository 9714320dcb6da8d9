"""Events are written with what they tell of, and go out once, in order (contract 9)."""

from dataclasses import replace
from typing import Any

import pytest
from store.conftest import OpenStore
from store.scene import NOW, TENANT, add_actor, claim, close, closing, later, new_message, outcome, post

from abaco.domain.lifecycle import ExecutionStatus
from abaco.errors import NotFound
from abaco.ports import OutboxEntry, Store
from abaco.store.sql import SqlStore

LINK: dict[str, Any] = {"link": "target"}
WEBHOOK: dict[str, Any] = {"webhook": "https://example.org/"}


def due(store: Store, **given: Any) -> list[OutboxEntry]:
    return store.outbox.due(given.pop("now", NOW), given.pop("limit", 100), **given)


def drained(store: Store) -> list[dict[str, Any]]:
    """Every event there is, in the order in which they go out."""
    events = []
    while entries := due(store, now=later(days=1)):
        events += [dict(entry.event) for entry in entries]
        for entry in entries:
            store.outbox.remove(entry)
    return events


def kinds(store: Store) -> list[str]:
    return [event["event_type"] for event in drained(store)]


def test_becoming_ready_is_told_once(store: SqlStore) -> None:
    add_actor(store, **LINK)
    assert store.actors.mark_ready("actor1", 1, NOW)
    assert not store.actors.mark_ready("actor1", 1, NOW)

    [entry] = due(store)

    assert (entry.tenant, entry.actor_id, entry.owner, entry.link, entry.webhook) == (
        TENANT,
        "actor1",
        "ada",
        "target",
        "",
    )
    assert entry.event == {
        "tenant_id": "DEV",
        "event_type": "ACTOR_READY",
        "event_time_utc": "2026-04-29T21:46:53.393Z",
        "event_time_display": "2026-04-29T21:46:53.393Z",
        "actor_id": "actor1",
        "actor_dbid": "DEV_actor1",
        "_abaco_link": "",
        "_abaco_webhook": "",
        "status_message": " ",
    }


def test_trouble_is_told_with_its_reason(store: SqlStore) -> None:
    add_actor(store, **WEBHOOK)
    store.actors.mark_error("actor1", 1, "no such image", NOW)
    store.actors.mark_error("actor1", 1, "again", NOW)
    [event] = drained(store)
    assert (event["event_type"], event["status_message"]) == ("ACTOR_ERROR", "no such image")
    assert event["_abaco_webhook"] == "https://example.org/"


def test_a_nonce_is_used_and_not_told(store: SqlStore) -> None:
    """It opens another actor to whoever may read the messages or logs of the linked one."""
    webhook = "https://abaco.test/actors/v2/other/messages?x-nonce="
    add_actor(store, **LINK, webhook=f"{webhook}DEV_1")
    store.actors.mark_ready("actor1", 1, NOW)
    [entry] = due(store)
    assert entry.webhook == f"{webhook}DEV_1"
    assert entry.event["_abaco_webhook"] == f"{webhook}********"


def test_ends_of_executions_are_told_in_order(store: SqlStore) -> None:
    add_actor(store, **LINK)
    post(store, "e1", "e2")
    for status, code in ((ExecutionStatus.COMPLETE, 3), (ExecutionStatus.ERROR, None)):
        taken = claim(store)
        assert taken is not None
        ending = closing(taken, status=status, exit_code=code)
        assert store.executions.close("engine1", [ending], NOW) == [True]
        # Word of a lost lease is no end.
        assert store.executions.close("engine1", [ending], NOW) == [False]

    events = drained(store)

    assert [(e["event_type"], e["execution_id"], e["status"], e["exit_code"]) for e in events] == [
        ("EXECUTION_COMPLETE", "e1", "COMPLETE", 3),
        ("EXECUTION_COMPLETE", "e2", "ERROR", None),
    ]
    assert len(events[0]) == 11


def test_nobody_listens_nothing_is_kept(store: SqlStore) -> None:
    add_actor(store)
    store.actors.mark_ready("actor1", 1, NOW)
    post(store, "e1", "e2")
    taken = claim(store)
    assert taken is not None
    close(store, taken)
    store.actors.mark_error("actor1", 1, "trouble", NOW)
    store.mailbox.purge("actor1", NOW)
    assert drained(store) == []


def test_who_listens_at_the_end_is_told(store: SqlStore) -> None:
    actor = add_actor(store)
    post(store, "e1")
    taken = claim(store)
    assert taken is not None
    store.actors.change(TENANT, actor.id, "ada", lambda current: replace(current, **WEBHOOK))
    close(store, taken)
    assert kinds(store) == ["EXECUTION_COMPLETE"]


def test_purged_and_given_up_messages_have_ended(store: SqlStore) -> None:
    add_actor(store, **LINK)
    post(store, "e1", "e2", "e3")
    assert claim(store) is not None
    store.mailbox.purge("actor1", NOW)
    store.claims.reclaim("engine1", NOW, max_attempts=1)
    events = drained(store)
    assert [event["execution_id"] for event in events] == ["e2", "e3", "e1"]
    assert {event["status"] for event in events} == {"ERROR"}


def test_a_deleted_actor_tells_nothing_more(store: SqlStore) -> None:
    add_actor(store, **LINK)
    post(store, "e1", "e2")
    taken = claim(store)
    assert taken is not None
    store.actors.begin_delete(TENANT, "actor1", NOW)
    close(store, taken)
    store.actors.finish_deletes()
    assert drained(store) == []


def test_only_the_oldest_of_each_actor_is_due(store: SqlStore) -> None:
    for actor_id in ("actor1", "actor2"):
        add_actor(store, actor_id, **LINK)
        store.actors.mark_ready(actor_id, 1, NOW)
        store.actors.mark_error(actor_id, 1, "trouble", NOW)
    first, second = due(store)
    assert [first.actor_id, second.actor_id] == ["actor1", "actor2"]
    assert {first.event["event_type"], second.event["event_type"]} == {"ACTOR_READY"}
    assert due(store, now=later(seconds=-1)) == []
    assert due(store, limit=1) == [first]
    # One that waits holds up its own actor's only.
    leased = store.outbox.lease(first, later(seconds=30))
    assert leased is not None
    assert due(store) == [second]
    store.outbox.remove(leased)
    assert [entry.event["event_type"] for entry in due(store) if entry.actor_id == "actor1"] == ["ACTOR_ERROR"]


def test_links_go_before_webhooks_and_wait_for_none(store: SqlStore) -> None:
    for actor_id, listener in (("actor1", WEBHOOK), ("actor2", LINK)):
        add_actor(store, actor_id, **listener)
        store.actors.mark_ready(actor_id, 1, NOW)
    webhook, link = sorted(due(store), key=lambda entry: entry.seq)
    assert due(store) == [link, webhook]
    assert due(store, busy_tenants=[TENANT]) == [link]


def test_many_links_leave_webhooks_their_places(store: SqlStore) -> None:
    for actor_id, listener in (("actor1", LINK), ("actor2", LINK), ("actor3", WEBHOOK), ("actor4", WEBHOOK)):
        add_actor(store, actor_id, **listener)
        store.actors.mark_ready(actor_id, 1, NOW)
    assert [entry.actor_id for entry in due(store, limit=1)] == ["actor1", "actor3"]


@pytest.mark.parametrize("listener", [LINK, WEBHOOK])
def test_a_tenant_with_many_actors_leaves_others_their_places(store: SqlStore, listener: dict[str, Any]) -> None:
    for actor_id in ("a1", "a2", "a3", "a4", "other1", "other2"):
        add_actor(store, actor_id, tenant="OTHER" if actor_id.startswith("other") else TENANT, **listener)
        store.actors.mark_ready(actor_id, 1, NOW)
    assert [entry.actor_id for entry in due(store, limit=3)] == ["a1", "other1", "a2"]
    assert [entry.actor_id for entry in due(store)] == ["a1", "other1", "a2", "other2", "a3", "a4"]


def test_one_of_two_engines_gets_the_lease(store: SqlStore, open_store: OpenStore) -> None:
    add_actor(store, **WEBHOOK)
    store.actors.mark_ready("actor1", 1, NOW)
    [entry] = due(store)
    leased = store.outbox.lease(entry, later(seconds=30))
    assert leased is not None
    assert open_store().outbox.lease(entry, later(seconds=40)) is None
    # A dead engine's lease runs out, and it does not come back to life.
    [again] = due(store, now=later(seconds=30))
    taken_over = store.outbox.lease(again, later(seconds=90))
    store.outbox.retry(leased, NOW)
    store.outbox.release(leased, NOW)
    assert due(store) == []
    assert taken_over is not None
    store.outbox.retry(taken_over, NOW)
    assert [entry.attempts for entry in due(store)] == [1]


def test_a_link_is_handed_over_together_with_its_message(store: SqlStore, open_store: OpenStore) -> None:
    add_actor(store, **LINK, **WEBHOOK)
    add_actor(store, "target")
    store.actors.mark_ready("actor1", 1, NOW)
    [entry] = due(store)
    told = {**entry.event, "_abaco_execution_id": "e1"}

    assert store.outbox.hand_over(entry, new_message("e1", "target"), told)
    assert not open_store().outbox.hand_over(entry, new_message("e2", "target"), told)

    assert store.mailbox.count("target") == 1
    assert store.executions.find("target", "e2") is None
    [rest] = due(store)
    assert (rest.link, rest.webhook, rest.event) == ("", "https://example.org/", told)


def test_without_a_webhook_the_event_is_done(store: SqlStore) -> None:
    add_actor(store, **LINK)
    add_actor(store, "target")
    store.actors.mark_ready("actor1", 1, NOW)
    [entry] = due(store)
    assert store.outbox.hand_over(entry, None, entry.event)
    assert not store.outbox.hand_over(entry, None, entry.event)
    assert drained(store) == []


def test_a_target_that_was_deleted_meanwhile_leaves_the_event(store: SqlStore) -> None:
    add_actor(store, **LINK)
    add_actor(store, "target")
    store.actors.mark_ready("actor1", 1, NOW)
    [entry] = due(store)
    store.actors.begin_delete(TENANT, "target", NOW)
    with pytest.raises(NotFound):
        store.outbox.hand_over(entry, new_message("e1", "target"), entry.event)
    assert due(store) == [entry]


def test_the_oldest_of_too_many_are_dropped(store: SqlStore) -> None:
    for actor_id in ("actor1", "actor2"):
        add_actor(store, actor_id, **WEBHOOK)
        for _ in range(3):
            store.actors.mark_ready(actor_id, 1, NOW)
            store.actors.mark_error(actor_id, 1, "trouble", NOW)
    [_, other] = due(store)
    store.outbox.remove(other)
    assert store.outbox.prune(5) == {"actor1": 1}
    assert store.outbox.prune(5) == {}
    assert [event["event_type"] for event in drained(store) if event["actor_id"] == "actor1"] == [
        "ACTOR_ERROR",
        "ACTOR_READY",
        "ACTOR_ERROR",
        "ACTOR_READY",
        "ACTOR_ERROR",
    ]


def test_an_event_is_as_durable_as_what_it_tells_of(store: SqlStore, open_store: OpenStore) -> None:
    add_actor(store, **LINK)
    post(store, "e1")
    taken = claim(store)
    assert taken is not None
    store.executions.close("engine1", [closing(taken, exit_code=outcome().exit_code)], NOW)
    assert kinds(open_store()) == ["EXECUTION_COMPLETE"]
