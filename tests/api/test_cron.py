"""Schedules over the wire (contract 3.4, 3.5, 1.5)."""

from typing import Any

import pytest

from .world import World

IMAGE = {"image": "abacosamples/test"}
LATER = "2078-09-6 20 + 3 days"


def cron(actor: dict[str, Any]) -> tuple[Any, Any, Any]:
    return actor.get("cronSchedule"), actor["cronOn"], actor.get("cronNextEx")


def test_a_schedule_is_kept_as_it_was_said(either_world: World) -> None:
    path = either_world.actor(cronSchedule=LATER)
    assert cron(either_world.get(path)) == (LATER, True, "2078-09-6 20")


@pytest.mark.parametrize("now", ["now", "Now", "NOW"])
def test_now_is_the_current_hour(world: World, now: str) -> None:
    path = world.actor(cronSchedule=f"{now} + 1 hour")
    assert cron(world.get(path)) == (f"{now} + 1 hour", True, "2026-4-29 21")


def test_cron_s_five_fields(world: World) -> None:
    text = "CRON_TZ=Europe/Berlin 30 9 * * 1-5"
    assert cron(world.get(world.actor(cronSchedule=text))) == (text, True, "2026-4-30 7:30")


def test_without_a_schedule_there_is_none(world: World) -> None:
    path = world.actor()
    assert cron(world.get(path)) == (None, False, None)
    shown = world.get(path.replace("/actors/v2", "/v3/actors"))
    assert (shown["cron_schedule"], shown["cron_on"], shown["cron_next_ex"]) == (None, False, None)


def test_a_schedule_may_begin_switched_off(world: World) -> None:
    path = world.actor(cronSchedule=LATER, cronOn=False)
    assert cron(world.get(path)) == (LATER, False, "2078-09-6 20")


class TestUpdating:
    def test_a_new_schedule_is_switched_on(self, world: World) -> None:
        path = world.actor()
        shown = world.put(path, json={**IMAGE, "cronSchedule": LATER})
        assert cron(shown) == (LATER, True, "2078-09-6 20")

    def test_the_switch_that_is_said_wins(self, world: World) -> None:
        path = world.actor(cronSchedule="now + 1 hour")
        shown = world.put(path, json={**IMAGE, "cronSchedule": LATER, "cronOn": False})
        assert cron(shown) == (LATER, False, "2078-09-6 20")

    @pytest.mark.parametrize("root", ["/actors/v2", "/v3/actors", "/actors"])
    def test_what_is_not_said_stays(self, world: World, root: str) -> None:
        path = world.actor(cronSchedule=LATER)
        world.put(path.replace("/actors/v2", root), json=IMAGE)
        assert cron(world.get(path)) == (LATER, True, "2078-09-6 20")

    def test_the_switch_alone(self, world: World) -> None:
        path = world.actor(cronSchedule=LATER)
        # As the user guide has it.
        assert cron(world.put(path, json={**IMAGE, "cronOn": "False"})) == (LATER, False, "2078-09-6 20")
        assert cron(world.put(path, json={**IMAGE, "cronOn": True})) == (LATER, True, "2078-09-6 20")

    def test_an_empty_schedule_removes_it(self, world: World) -> None:
        path = world.actor(cronSchedule=LATER)
        assert cron(world.put(path, json={**IMAGE, "cronSchedule": ""})) == (None, False, None)

    def test_what_was_read_may_be_sent_back(self, world: World) -> None:
        path = world.actor(cronSchedule="2026-04-29 21 + 1 day")
        world.clock.advance(hours=30)
        shown = world.put(path, json=world.get(path))
        assert shown["cronSchedule"] == "2026-04-29 21 + 1 day"

    def test_form_and_query_do_as_well(self, world: World) -> None:
        path = world.actor()
        world.put(path, data={**IMAGE, "cronSchedule": LATER})
        assert world.get(path)["cronSchedule"] == LATER


@pytest.mark.parametrize(
    ("text", "saying"),
    [
        ("2026-04-29 20 + 1 hour", "the current UTC time is 2026-04-29 21:46"),
        ("1955-11-05 6 + 1 week", "already passed"),
        ("tomorrow", "known format"),
        ("now + 1 minute", "must be one of"),
        ("now + 0 hour", "at least 1"),
        ("now + -3 hours", "known format"),
        ("now + x hours", "known format"),
        ("2078-02-31 1 + 1 day", "no date"),
        ("61 * * * *", "Bad minute"),
        ("CRON_TZ=Nowhere 1 * * * *", "time zone"),
        ("9" * 10_000, "known format"),
    ],
)
def test_wrong_schedules_are_refused(world: World, text: str, saying: str) -> None:
    world.refuse("POST", "/actors/v2", json={**IMAGE, "cronSchedule": text}, saying=saying)
    actor = world.actor(cronSchedule=LATER)
    world.refuse("PUT", actor, json={**IMAGE, "cronSchedule": text}, saying=saying)


@pytest.mark.parametrize("value", [{"a": 1}, ["now + 1 hour"], 7, True])
def test_what_is_no_text_is_refused(world: World, value: Any) -> None:
    world.refuse("POST", "/actors/v2", json={**IMAGE, "cronSchedule": value})


def test_nobody_sets_the_next_slot(world: World) -> None:
    path = world.actor(cronSchedule=LATER, cronNextEx="2000-1-1 1", cron_next_ex="2000-1-1 1")
    assert world.get(path)["cronNextEx"] == "2078-09-6 20"
