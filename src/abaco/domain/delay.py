"""Messages that are not to be executed before a moment of their sender's choice."""

import math
import re
from datetime import UTC, datetime, timedelta

from abaco.domain.actor import Actor
from abaco.errors import InvalidInput

__all__ = ["DELAY_VARIABLE", "due_moment", "require_delayable"]

DELAY_VARIABLE = "_abaco_not_before"
_LONGEST = timedelta(days=366)
_SECONDS = re.compile(r"[0-9]{1,15}(\.[0-9]{1,30})?")
_BLANK_FOR_PLUS = re.compile(r" (?=[0-9]{2}:?[0-9]{2}$)")
"""What a `+` that was not escaped in a URL arrives as."""


def due_moment(text: str | None, now: datetime) -> datetime | None:
    """When a message is due that says `text`: seconds from now, or ISO 8601 with an offset. None: at once.

    Raises InvalidInput for anything else, and for more than a year.
    """
    if text is None:
        return None
    due = now + _seconds(text) if _SECONDS.fullmatch(text) else _moment(text)
    if due is None or due - now > _LONGEST:
        raise InvalidInput(
            f"{DELAY_VARIABLE} is a number of seconds above 0, such as 90, or a moment with its offset, such as "
            "2026-11-26T09:30:00+01:00 or 2026-11-26T08:30:00Z, and at most a year away.",
        )
    return due if due > now else None


def _seconds(text: str) -> timedelta:
    """In whole milliseconds, never less. More than a year is all the same; 0 is refused like it."""
    milliseconds = math.ceil(float(text) * 1000)
    longest = _LONGEST // timedelta(milliseconds=1)
    return timedelta(milliseconds=milliseconds if 0 < milliseconds <= longest else longest + 1)


def _moment(text: str) -> datetime | None:
    """The moment in whole milliseconds, never earlier; None if it is none, or says no offset."""
    try:
        moment = datetime.fromisoformat(_BLANK_FOR_PLUS.sub("+", text))
        if moment.tzinfo is None:
            return None
        whole = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        return (whole if whole == moment else whole + timedelta(milliseconds=1)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def require_delayable(actor: Actor, *, synchronous: bool) -> None:
    """Raise InvalidInput if a message to `actor` cannot wait for its moment."""
    if synchronous:
        raise InvalidInput(
            f"{DELAY_VARIABLE} and _abaco_synchronous exclude each other: nobody waits for it that long."
        )
    if not actor.stateless:
        raise InvalidInput(
            f"{DELAY_VARIABLE} is for stateless actors: a stateful one takes its messages in the order received, and "
            "all others would wait behind this one. Post it when it is due.",
        )
