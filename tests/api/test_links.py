"""Links and webhooks over the wire (contract 9)."""

from typing import Any

import pytest

from .test_permissions import grant
from .world import World

IMAGE = {"image": "abacosamples/test"}
CYCLE = "this update would result in a cycle of linked actors"


def id_of(actor: str) -> str:
    return actor.rpartition("/")[2]


def link(world: World, source: str, target: str, user: str = "ada") -> Any:
    return world.put(source, user, json={**IMAGE, "link": target})


def alias(world: World, name: str, actor: str) -> str:
    world.post("/actors/v2/aliases", json={"alias": name, "actorId": id_of(actor)})
    return f"/actors/v2/aliases/{name}"


def test_a_link_is_shown_as_it_was_said(world: World) -> None:
    target = world.actor()
    alias(world, "watcher", target)
    assert world.get(world.actor(link=id_of(target)))["link"] == id_of(target)
    assert world.get(world.actor(link="watcher"))["link"] == "watcher"
    assert world.get(target)["link"] == ""


def test_an_update_that_does_not_say_a_link_removes_it(world: World) -> None:
    actor = world.actor(link=id_of(world.actor()), webhook="https://example.org")
    shown = world.put(actor, json=IMAGE)
    assert (shown["link"], shown["webhook"]) == ("", "")


@pytest.mark.parametrize("nobody", ["nobody", "eNulypx6PZNqa", "a/b", "x" * 10_000, "é"])
def test_a_link_needs_an_actor(world: World, nobody: str) -> None:
    world.refuse("POST", "/actors/v2", json={**IMAGE, "link": nobody}, saying="link")
    world.refuse("PUT", world.actor(), json={**IMAGE, "link": nobody}, saying="link")


def test_an_actor_of_another_tenant_is_none(world: World) -> None:
    foreign = world.actor("eve@OTHER")
    world.refuse("POST", "/actors/v2", json={**IMAGE, "link": id_of(foreign)}, saying="link")


def test_a_link_needs_execute(world: World) -> None:
    target = world.actor("bob")
    actor = world.actor()
    grant(world, target, "ada", "READ", by="bob")
    world.refuse("POST", "/actors/v2", json={**IMAGE, "link": id_of(target)}, saying="EXECUTE")
    world.refuse("PUT", actor, json={**IMAGE, "link": id_of(target)}, saying="EXECUTE")
    grant(world, target, "ada", "EXECUTE", by="bob")
    link(world, actor, id_of(target))
    assert world.actor(link=id_of(target))


def test_an_editor_does_not_lend_the_owner_permissions(world: World) -> None:
    actor = world.actor()
    grant(world, actor, "bob", "UPDATE")
    target = world.actor("bob")
    world.refuse("PUT", actor, "bob", json={**IMAGE, "link": id_of(target)}, saying="owner")
    grant(world, target, "ada", "EXECUTE", by="bob")
    link(world, actor, id_of(target), "bob")


def test_administrators_may_link_to_anything(world: World) -> None:
    target = world.actor("bob")
    assert world.get(world.actor("adm", link=id_of(target)), "adm")["link"] == id_of(target)


def test_a_link_that_stays_is_not_asked_about(world: World) -> None:
    target = world.actor()
    actor = world.actor(link=id_of(target))
    assert world.send("DELETE", target).is_success
    assert world.put(actor, json={**IMAGE, "link": id_of(target)})["link"] == id_of(target)


def test_a_nonce_does_not_reach_other_actors(world: World) -> None:
    target = world.actor()
    actor = world.actor()
    nonce = world.post(f"{actor}/nonces", json={"level": "UPDATE"})["id"]
    response = world.http.send("PUT", f"{actor}?x-nonce={nonce}", json={**IMAGE, "link": id_of(target)})
    world.require_refused(response, 400, "nonce")


class TestCycles:
    def test_an_actor_is_not_linked_to_itself(self, world: World) -> None:
        actor = world.actor()
        alias(world, "me", actor)
        for name in (id_of(actor), "me"):
            world.refuse("PUT", actor, json={**IMAGE, "link": name}, saying=CYCLE)

    def test_chains_do_not_close(self, either_world: World) -> None:
        world = either_world
        last = world.actor()
        middle = world.actor(link=id_of(last))
        first = world.actor(link=id_of(middle))
        for target in (first, middle, last):
            world.refuse("PUT", last, json={**IMAGE, "link": id_of(target)}, saying=CYCLE)
        link(world, last, id_of(world.actor()))

    def test_aliases_count_as_what_they_name(self, world: World) -> None:
        one, other = world.actor(), world.actor()
        alias(world, "one", one)
        alias(world, "other", other)
        link(world, one, "other")
        world.refuse("PUT", other, json={**IMAGE, "link": "one"}, saying=CYCLE)
        world.refuse("PUT", other, json={**IMAGE, "link": id_of(one)}, saying=CYCLE)

    def test_many_may_converge(self, world: World) -> None:
        sink = world.actor()
        for _ in range(3):
            world.actor(link=id_of(sink))
        link(world, sink, id_of(world.actor()))

    def test_moving_an_alias_closes_none(self, world: World) -> None:
        target = world.actor()
        name = alias(world, "next", target)
        first = world.actor(link="next")
        second = world.actor(link=id_of(first))
        for actor in (first, second):
            world.refuse("PUT", name, json={"actorId": id_of(actor)}, saying=CYCLE)
        world.put(name, json={"actorId": id_of(world.actor())})

    def test_making_an_alias_anew_closes_none(self, world: World) -> None:
        name = alias(world, "next", world.actor())
        first = world.actor(link="next")
        assert world.send("DELETE", name).is_success
        world.refuse("POST", "/actors/v2/aliases", json={"alias": "next", "actorId": id_of(first)}, saying=CYCLE)

    def test_chains_are_bounded(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("abaco.services.links.MAX_CHAIN", 3)
        chain = world.actor()
        for _ in range(2):
            chain = world.actor(link=id_of(chain))
        start = world.actor()
        link(world, start, id_of(chain))
        world.refuse("PUT", world.actor(), json={**IMAGE, "link": id_of(start)}, saying="links at most")


class TestWebhooks:
    def test_a_webhook_is_shown(self, world: World) -> None:
        url = "https://abaco.test/actors/v2/x/messages?x-nonce=DEV_123"
        actor = world.actor(webhook=url)
        assert world.get(actor)["webhook"] == url
        assert world.put(actor, json={**IMAGE, "webhook": url})["webhook"] == url

    @pytest.mark.parametrize(
        "url", ["example.org", "ftp://example.org", "http://", "javascript:alert(1)", "http://a b/", "http://u:p@h/"]
    )
    def test_what_cannot_be_posted_to_is_refused(self, world: World, url: str) -> None:
        world.refuse("POST", "/actors/v2", json={**IMAGE, "webhook": url}, saying="webhook must be a URL")
        world.refuse("PUT", world.actor(), json={**IMAGE, "webhook": url}, saying="webhook must be a URL")


def test_what_a_purge_drops_is_told(either_world: World) -> None:
    actor = either_world.actor(link=id_of(either_world.actor()))
    either_world.message(actor)
    assert either_world.send("DELETE", f"{actor}/messages").is_success
    [entry] = either_world.store.outbox.due(either_world.clock.now(), 10)
    assert (entry.event["event_type"], entry.event["status"]) == ("EXECUTION_COMPLETE", "ERROR")
