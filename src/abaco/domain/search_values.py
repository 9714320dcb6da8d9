"""From the text of a query to values: the coercions of the contract in their order, and its partial datetimes."""

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from math import isfinite
from typing import Any

from abaco.errors import InvalidInput

__all__ = ["is_time", "list_value", "moment", "range_value", "value_of"]

_TIMES = {
    ("create_time",),
    ("cron_next_ex",),
    ("finish_time",),
    ("last_execution_time",),
    ("last_health_check_time",),
    ("last_update_time",),
    ("message_received_time",),
    ("not_before",),
    ("start_time",),
    ("final_state", "FinishedAt"),
    ("final_state", "StartedAt"),
}
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")
_MAX_INTEGER = 2**63 - 1
_MAX_LIST = 1000
_QUOTES = str.maketrans({"'": '"', "\u201c": '"', "\u201d": '"'})
"""Single quotes, and those that word processors make of others."""
_MOMENT = re.compile(
    r"(?P<year>[0-9]{4})(-(?P<month>[0-9]{2})(-(?P<day>[0-9]{2})"
    r"([Tt](?P<hour>[0-9]{2})(:(?P<minute>[0-9]{2})(:(?P<second>[0-9]{2})([.:](?P<fraction>[0-9]{1,6}))?)?)?)?)?)?"
    r"(?P<zone>[Zz]|[+ -][0-9]{2}:[0-9]{2})?",
)


def is_time(path: tuple[str, ...]) -> bool:
    """Whether the field holds a time, so that values for it are read as such."""
    return path in _TIMES


def moment(text: str) -> datetime:
    """The UTC datetime that `text` spells, missing parts at their least; raises InvalidInput.

    An offset may follow any form: ``2000-05:00`` is the year 2000, five hours west. A space before an offset is a
    plus sign that lost its escape on the way here; a colon before the fraction is as good as a point.
    """
    match = _MOMENT.fullmatch(text.strip())
    if match is None:
        raise _no_time(text)
    given = match.groupdict()
    fraction = (given["fraction"] or "").ljust(6, "0")
    try:
        local = datetime(
            int(given["year"]),
            int(given["month"] or 1),
            int(given["day"] or 1),
            int(given["hour"] or 0),
            int(given["minute"] or 0),
            int(given["second"] or 0),
            int(fraction),
            _zone(given["zone"]),
        )
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _no_time(text) from None


def _zone(text: str | None) -> timezone:
    if text is None or text in {"Z", "z"}:
        return UTC
    hours, minutes = int(text[1:3]), int(text[4:6])
    if minutes > 59:
        raise ValueError(minutes)
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)


def _no_time(text: str) -> InvalidInput:
    return InvalidInput(
        f"{text[:80]!r} is not a time: write it as 2020, 2020-04, 2020-04-29, 2020-04-29T20:15 "
        "or 2020-04-29T20:15:52.246, each with an optional Z or offset such as -06:00.",
    )


def value_of(path: tuple[str, ...], text: str) -> Any:
    """The value that `text` stands for in a condition on the field `path`."""
    if "\0" in text:
        raise InvalidInput("A value may not hold a NUL character.")
    lowered = text.lower()
    if lowered in {"true", "false"}:
        return lowered == "true"
    if lowered == "none":
        return None
    if is_time(path):
        return moment(text)
    if _NUMBER.fullmatch(text.strip()):
        number = _number(text.strip())
        if number is not None:
            return number
    return _json(text, otherwise=text)


def _number(text: str) -> int | float | None:
    """An integer if it is whole; None if no number is that large."""
    number = float(text)
    if not isfinite(number):
        return None
    if number.is_integer() and abs(number) <= _MAX_INTEGER:
        # By way of a float only if it is written as one: 64 bits are more than a float holds.
        digits = text.lstrip("+-")
        exact = int(text) if digits.isdigit() and len(digits) < 20 else int(number)
        return exact if abs(exact) <= _MAX_INTEGER else number
    return number


def _json(text: str, otherwise: Any) -> Any:
    for spelling in (text, text.translate(_QUOTES)):
        try:
            value = json.loads(spelling, parse_float=_part, parse_int=_part, parse_constant=_refuse)
            if "\0" in json.dumps(value, ensure_ascii=False).encode().decode() or "\\u0000" in spelling:
                raise InvalidInput("A value may not hold a NUL character.")
        except (ValueError, RecursionError):
            # No JSON, or nothing that a database could hold: lone surrogates, numbers without end.
            continue
        return value
    return otherwise


def _part(text: str) -> int | float:
    number = _number(text)
    if number is None:
        raise ValueError(text)
    return number


def _refuse(text: str) -> Any:
    raise ValueError(text)


def list_value(path: tuple[str, ...], name: str, text: str) -> tuple[Any, ...]:
    """The values of ``.in`` and ``.nin``; raises InvalidInput if `text` is not a JSON list."""
    values = _json(text, otherwise=None)
    if not isinstance(values, list):
        raise InvalidInput(f'{name} needs a JSON list, such as ["READY", "BUSY"].')
    if len(values) > _MAX_LIST:
        raise InvalidInput(f"{name} takes a list of {_MAX_LIST} values at most.")
    if not is_time(path):
        return tuple(values)
    return tuple(moment(value) if isinstance(value, str) else value for value in values)


def range_value(path: tuple[str, ...], name: str, text: str) -> tuple[Any, Any]:
    """The two ends of ``.between``; raises InvalidInput unless they are two numbers or two times."""
    parts = text.split(",")
    if len(parts) != 2:
        raise InvalidInput(f"{name} needs two values with a comma between them, such as 1,9.")
    low, high = (value_of(path, part.strip()) for part in parts)
    for kind in (int | float, datetime):
        if isinstance(low, kind) and isinstance(high, kind) and not isinstance(low, bool) | isinstance(high, bool):
            return low, high
    raise InvalidInput(f"{name} needs two numbers, or two times if the field is a time.")
