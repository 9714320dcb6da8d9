"""When an actor runs by itself (contract 3.5, 1.5), and cron's five fields."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from store.scene import an_actor

from abaco.domain.actor import Actor, ActorDescription
from abaco.domain.schedule import parse_schedule, scheduled, slot_text
from abaco.errors import InvalidInput

NOW = datetime(2026, 1, 31, 10, 30, tzinfo=UTC)
HOUR = NOW.replace(minute=0)


def at(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=UTC)  # type: ignore[arg-type, misc]


def slots(text: str, count: int, after: datetime = NOW - timedelta(hours=1)) -> list[datetime]:
    """The next slots of a schedule that begins NOW."""
    schedule = parse_schedule(text, NOW)
    found = []
    for _ in range(count):
        slot = schedule.next_after(after)
        assert slot is not None
        found.append(slot)
        after = slot
    return found


def say(text: str | None, current: Actor | None = None, *, on: bool | None = None, now: datetime = NOW) -> Any:
    return scheduled(ActorDescription("x", cron_schedule=text, cron_on=on), current, now)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now + 1 hour", [HOUR, at(2026, 1, 31, 11), at(2026, 1, 31, 12)]),
        ("Now + 25 hours", [HOUR, at(2026, 2, 1, 11), at(2026, 2, 2, 12)]),
        ("NOW + 1 day", [HOUR, at(2026, 2, 1, 10), at(2026, 2, 2, 10)]),
        ("2078-09-6 20 + 3 days", [at(2078, 9, 6, 20), at(2078, 9, 9, 20), at(2078, 9, 12, 20)]),
        ("2078-9-06 5 + 1 week", [at(2078, 9, 6, 5), at(2078, 9, 13, 5), at(2078, 9, 20, 5)]),
        ("2078-09-06 05 + 2 weeks", [at(2078, 9, 6, 5), at(2078, 9, 20, 5), at(2078, 10, 4, 5)]),
        # Clipped to short months, but the day that was said is not forgotten.
        ("now + 1 month", [HOUR, at(2026, 2, 28, 10), at(2026, 3, 31, 10), at(2026, 4, 30, 10), at(2026, 5, 31, 10)]),
        ("2027-12-31 0 + 2 months", [at(2027, 12, 31), at(2028, 2, 29), at(2028, 4, 30), at(2028, 6, 30)]),
        ("*/20 * * * *", [at(2026, 1, 31, 9, 40), HOUR, at(2026, 1, 31, 10, 20)]),
        ("0 9 * * mon-fri", [at(2026, 2, 2, 9), at(2026, 2, 3, 9), at(2026, 2, 4, 9)]),
        ("CRON_TZ=Europe/Berlin 0 9 * * 1-5", [at(2026, 2, 2, 8), at(2026, 2, 3, 8), at(2026, 2, 4, 8)]),
        ("CRON_TZ=America/New_York 0 0 1 */6 *", [at(2026, 7, 1, 4), at(2027, 1, 1, 5)]),
    ],
)
def test_slots_follow_each_other(text: str, expected: list[datetime]) -> None:
    assert slots(text, len(expected)) == expected


@pytest.mark.parametrize("text", ["now + 1 hour", "now + 5 hours", "now + 1 week", "now + 1 month", "now + 7 months"])
@pytest.mark.parametrize("late", [timedelta(minutes=1), timedelta(hours=1), timedelta(days=40), timedelta(days=4000)])
def test_after_a_pause_the_next_slot_is_the_first_on_the_old_grid(text: str, late: timedelta) -> None:
    grid = slots(text, 100_000 if text == "now + 1 hour" else 20_000 if "hour" in text else 600)
    later = NOW + late
    assert parse_schedule(text, NOW).next_after(later) == next(slot for slot in grid if slot > later)


def test_a_time_that_a_shift_leaves_out_fires_at_the_shift() -> None:
    night = slots("CRON_TZ=Europe/Berlin 30 2 * * *", 3, after=at(2026, 3, 27, 12))
    assert night == [at(2026, 3, 28, 1, 30), at(2026, 3, 29, 1), at(2026, 3, 30, 0, 30)]


def test_a_time_that_comes_twice_fires_once() -> None:
    expected = [at(2026, 10, 25, 0, 30), at(2026, 10, 26, 1, 30)]
    assert slots("CRON_TZ=Europe/Berlin 30 2 * * *", 2, after=at(2026, 10, 24, 12)) == expected
    # Asked between the two.
    assert slots("CRON_TZ=Europe/Berlin 30 2 * * *", 1, after=at(2026, 10, 25, 1, 10)) == expected[1:]


@pytest.mark.parametrize("day", [at(2026, 3, 28, 20), at(2026, 10, 24, 20)])
def test_hourly_jobs_go_by_real_time(day: datetime) -> None:
    found = slots("CRON_TZ=Europe/Berlin 0 * * * *", 12, after=day)
    assert {later - sooner for sooner, later in pairwise(found)} == {timedelta(hours=1)}


def test_a_grid_may_come_to_its_end() -> None:
    assert parse_schedule("9999-12-31 23 + 1 hour", NOW).next_after(at(9999, 12, 31, 23)) is None
    assert parse_schedule("9999-12-31 23 + 999999 months", NOW).next_after(at(9999, 12, 31, 23)) is None


@pytest.mark.parametrize(
    ("text", "saying"),
    [
        ("tomorrow", "known format"),
        ("now", "known format"),
        ("now+1 hour", "known format"),
        ("now +1 hour", "known format"),
        ("now  + 1 hour", "known format"),
        (" now + 1 hour", "known format"),
        ("now + 1.5 hours", "known format"),
        ("now + -1 hour", "known format"),
        ("now + one hour", "known format"),
        ("now + 1 hour\n", "known format"),
        ("now + ٣ hours", "known format"),
        ("2078/09/06 20 + 1 hour", "known format"),
        ("2078-09-06 + 1 hour", "known format"),
        ("2078-09-06 20:00 + 1 hour", "known format"),
        ("78-09-06 20 + 1 hour", "known format"),
        ("now + 0 hours", "at least 1"),
        ("now + 1 fortnight", "fortnight.*must be one of"),
        ("now + 1 hourss", "must be one of"),
        ("now + 5 minutes", "must be one of"),
        ("2078-02-30 1 + 1 day", "no date"),
        ("2078-13-01 1 + 1 day", "no date"),
        ("2078-09-06 24 + 1 day", "no date"),
        ("0000-01-01 0 + 1 day", "no date"),
        ("60 * * * *", "minute"),
        ("* 24 * * *", "hour"),
        ("* * * *", "known format"),
        ("0 * * * * *", "known format"),
        ("@daily", "known format"),
        ("0 0 30 2 *", "day-of-month"),
        ("* * */20 * 1L", "never comes"),
        ("CRON_TZ=Mars/Base 0 9 * * *", "Mars/Base.*not known"),
        ("CRON_TZ=../../etc/passwd 0 9 * * *", "not known"),
        ("CRON_TZ=/etc/passwd 0 9 * * *", "not known"),
        ("CRON_TZ=Europe 0 9 * * *", "not known"),
        ("CRON_TZ= 0 9 * * *", "known format"),
        ("0," * 150 + "0 * * * *", "known format"),
    ],
)
def test_what_is_no_schedule_is_refused(text: str, saying: str) -> None:
    with pytest.raises(InvalidInput, match=f"(?s)cron_schedule.*{saying}"):
        parse_schedule(text, NOW)


def test_a_start_in_the_past_is_refused_with_the_time_of_day() -> None:
    with pytest.raises(InvalidInput, match=r"already passed.*the current UTC time is 2026-01-31 10:30"):
        say("2026-01-31 9 + 1 hour")
    assert say("2026-01-31 10 + 1 hour")["cron_next_at"] == HOUR


def test_saying_a_schedule_switches_it_on_unless_said_otherwise() -> None:
    assert say("2078-09-6 20 + 1 day") == {
        "cron_schedule": "2078-09-6 20 + 1 day",
        "cron_on": True,
        "cron_start_at": at(2078, 9, 6, 20),
        "cron_next_at": at(2078, 9, 6, 20),
    }
    assert say("now + 1 day", on=False) == {
        "cron_schedule": "now + 1 day",
        "cron_on": False,
        "cron_start_at": HOUR,
        "cron_next_at": HOUR,
    }
    assert say("*/20 * * * *")["cron_next_at"] == at(2026, 1, 31, 10, 40)
    none = {"cron_schedule": None, "cron_start_at": None, "cron_next_at": None}
    assert say(None) == {"cron_on": False, **none}
    assert say(None, on=True) == {"cron_on": True, **none}


def test_an_update_keeps_what_it_does_not_say() -> None:
    actor = replace(an_actor(), **say("2026-01-31 10 + 1 day", on=False))
    moved = replace(actor, cron_next_at=at(2026, 2, 3, 10))
    late = at(2026, 2, 2, 12)

    assert say(None, moved, now=late) == {"cron_on": False}
    assert say(None, moved, on=True, now=late) == {"cron_on": True}
    # What was read may be sent back, although its start has passed; its grid goes on.
    assert say("2026-01-31 10 + 1 day", moved, now=late) == {"cron_on": True}
    assert say("2026-01-31 10 + 1 day", moved, on=False, now=late) == {"cron_on": False}
    assert say("", moved, now=late) == {
        "cron_schedule": None,
        "cron_on": False,
        "cron_start_at": None,
        "cron_next_at": None,
    }
    with pytest.raises(InvalidInput, match="already passed"):
        say("2026-01-31 10 + 2 days", moved, now=late)


def test_now_begins_anew_whenever_it_is_said() -> None:
    actor = replace(an_actor(), **say("now + 1 day"))
    assert say("now + 1 day", actor, now=at(2026, 2, 2, 12, 5))["cron_next_at"] == at(2026, 2, 2, 12)


@pytest.mark.parametrize(
    ("text", "slot", "expected"),
    [
        (None, None, None),
        ("now + 1 hour", None, None),
        ("2078-09-6 20 + 1 day", at(2078, 9, 6, 20), "2078-09-6 20"),
        ("2078-09-06 05 + 1 day", at(2078, 9, 7, 5), "2078-9-7 5"),
        ("now + 1 hour", at(2026, 11, 22, 1), "2026-11-22 1"),
        ("5 1 * * *", at(2026, 11, 2, 1, 5), "2026-11-2 1:05"),
        ("CRON_TZ=Europe/Berlin 0 9 * * *", at(2026, 11, 2, 8), "2026-11-2 8:00"),
    ],
)
def test_the_next_slot_is_written_as_upstream_does(text: str | None, slot: datetime | None, expected: str) -> None:
    assert slot_text(text, slot) == expected
