"""When an actor runs by itself: schedules of a start and a step, and the five fields of cron.

``2078-09-06 20 + 3 days`` is a slot at a UTC hour and one every step after it; ``now + 1 hour`` starts at the current
hour. ``CRON_TZ=Europe/Berlin 0 9 * * 1-5`` is cron's own form, in UTC if no time zone is named. A slot is an aware UTC
datetime of whole minutes.
"""

import re
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from abaco.domain.actor import Actor, ActorDescription
from abaco.errors import InvalidInput

__all__ = ["CRON_EXECUTOR", "CRON_MESSAGE", "Schedule", "parse_schedule", "scheduled", "slot_text"]

CRON_EXECUTOR = "cron"
CRON_MESSAGE = "This is your cron execution"

_MAX_LENGTH = 255
_STEPPED = re.compile(r"(?P<start>.+?) \+ (?P<number>[0-9]{1,6}) (?P<unit>[a-z]+)", re.IGNORECASE)
_START = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2}) ([0-9]{1,2})")
_UNITS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}
_ZONED = re.compile(r"(?:CRON_TZ=(?P<zone>\S+)\s+)?(?P<fields>\S+(?:\s+\S+){4})")
_FORMS = (
    "write '<yyyy-mm-dd hh> + <number> <hours, days, weeks or months>' (UTC, such as '2078-09-06 20 + 3 days'), "
    "'now + 1 hour', or the five fields of cron, such as '30 9 * * 1-5' or 'CRON_TZ=Europe/Berlin 30 9 * * 1-5'"
)


class Schedule(Protocol):
    @property
    def start(self) -> datetime:
        """The first slot there may be; later ones are on its grid."""

    def next_after(self, moment: datetime) -> datetime | None:
        """The first slot later than `moment`, or None if there is none any more."""


@dataclass(frozen=True, slots=True)
class _Fixed:
    """A slot every `step` from `start`."""

    start: datetime
    step: timedelta

    def next_after(self, moment: datetime) -> datetime | None:
        try:
            return self.start + max(0, (moment - self.start) // self.step + 1) * self.step
        except OverflowError:
            return None


@dataclass(frozen=True, slots=True)
class _Monthly:
    """A slot every `months` on the day of `start`, or on the last day of months that lack it."""

    start: datetime
    months: int

    def next_after(self, moment: datetime) -> datetime | None:
        passed = (moment.year - self.start.year) * 12 + moment.month - self.start.month
        number = max(0, passed // self.months)
        try:
            while (slot := self._slot(number)) <= moment:
                number += 1
        except ValueError:
            return None
        return slot

    def _slot(self, number: int) -> datetime:
        years, month = divmod(self.start.month - 1 + number * self.months, 12)
        year, month = self.start.year + years, month + 1
        if year > MAXYEAR:
            raise ValueError(year)
        return self.start.replace(year=year, month=month, day=min(self.start.day, monthrange(year, month)[1]))


@dataclass(frozen=True, slots=True)
class _Cron:
    """Cron's five fields, with Debian cron's rules for daylight saving time.

    A time of day that a shift leaves out fires at the shift; one that comes twice fires the first time. Jobs of every
    hour or minute go by real time.
    """

    start: datetime
    fields: str
    zone: ZoneInfo

    def next_after(self, moment: datetime) -> datetime | None:
        for slot in CronSim(self.fields, moment.astimezone(self.zone)):
            # In the second of two equal hours the first one's slots are found again.
            if (found := slot.astimezone(UTC)) > moment:
                return found
        return None


def parse_schedule(text: str, start: datetime) -> Schedule:
    """The schedule that `text` says; `start` is when ``now`` is. Raises InvalidInput, whenever its first slot is."""
    if len(text) <= _MAX_LENGTH and (match := _STEPPED.fullmatch(text)):
        return _stepped(match["start"], int(match["number"]), match["unit"].lower(), start)
    if len(text) <= _MAX_LENGTH and (match := _ZONED.fullmatch(text.strip())):
        return _cron(match["fields"], match["zone"] or "UTC", start)
    raise InvalidInput(f"cron_schedule {text[:80]!r} is not in a known format: {_FORMS}.")


def _stepped(start_text: str, number: int, unit: str, now: datetime) -> Schedule:
    kind = unit.removesuffix("s")
    if kind not in {*_UNITS, "month"} or unit.endswith("ss"):
        raise InvalidInput(
            f"cron_schedule has the unit {unit[:40]!r}: it must be one of hour, hours, day, days, week, weeks, "
            "month, months.",
        )
    if number < 1:
        raise InvalidInput("cron_schedule must advance: the number behind the + must be at least 1.")
    start = _hour(now) if start_text.lower() == "now" else _start(start_text)
    return _Monthly(start, number) if kind == "month" else _Fixed(start, number * _UNITS[kind])


def _start(text: str) -> datetime:
    match = _START.fullmatch(text)
    if match is None:
        raise InvalidInput(f"cron_schedule starts with {text[:40]!r}, which is not in a known format: {_FORMS}.")
    year, month, day, hour = (int(part) for part in match.groups())
    try:
        return datetime(year, month, day, hour, tzinfo=UTC)
    except ValueError as error:
        raise InvalidInput(f"cron_schedule starts with {text!r}, which is no date and hour: {error}.") from None


def _cron(fields: str, zone: str, now: datetime) -> Schedule:
    try:
        schedule = _Cron(_hour(now), fields, ZoneInfo(zone))
        slot = schedule.next_after(now)
    except CronSimError as error:
        raise InvalidInput(f"cron_schedule {fields!r} is not in a known format ({error}): {_FORMS}.") from None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidInput(f"cron_schedule names the time zone {zone[:80]!r}, which is not known.") from None
    if slot is None:
        raise InvalidInput(f"cron_schedule {fields!r} names a date that never comes.")
    return schedule


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def scheduled(description: ActorDescription, current: Actor | None, now: datetime) -> Mapping[str, Any]:
    """The cron attributes of an actor that is registered (no `current`) or updated as `description` says.

    What is not said stays, and a schedule as it was goes on as it did; ``now`` begins anew. Saying a schedule switches
    it on, unless `cron_on` is said, too; an empty one removes it. Raises InvalidInput, also for a start in the past.
    """
    text, on = description.cron_schedule, description.cron_on
    if text == "":
        return {"cron_schedule": None, "cron_on": bool(on), "cron_start_at": None, "cron_next_at": None}
    kept = current.cron_on if current else False
    if text is None:
        return {"cron_on": kept if on is None else on} | ({} if current else _NO_SCHEDULE)
    switch = {"cron_on": True if on is None else on}
    if current and text == current.cron_schedule and not text.lower().startswith("now"):
        return switch
    schedule = parse_schedule(text, now)
    if schedule.start < _hour(now):
        raise InvalidInput(
            f"cron_schedule {text!r} has already passed: its start must not be before the current hour; "
            f"the current UTC time is {now:%Y-%m-%d %H:%M}.",
        )
    first = schedule.next_after(now) if isinstance(schedule, _Cron) else schedule.start
    return switch | {"cron_schedule": text, "cron_start_at": schedule.start, "cron_next_at": first}


_NO_SCHEDULE = {"cron_schedule": None, "cron_start_at": None, "cron_next_at": None}


def slot_text(text: str | None, slot: datetime | None) -> str | None:
    """The next slot as the wire has it: the start as its user wrote it, later ones as ``2078-9-6 20``.

    Slots of the five fields show minutes, too: ``2078-9-6 20:05``. Always in UTC.
    """
    if text is None or slot is None:
        return None
    day = f"{slot.year}-{slot.month}-{slot.day} {slot.hour}"
    match = _STEPPED.fullmatch(text)
    if match is None:
        return f"{day}:{slot.minute:02d}"
    return match["start"] if _START.fullmatch(match["start"]) and _start(match["start"]) == slot else day
