"""Moments: aware UTC datetimes of whole milliseconds, and the one way they are written."""

import time
from datetime import UTC, datetime

__all__ = ["iso", "utc_now"]


def utc_now() -> datetime:
    """The time of day in whole milliseconds, so that what is stored is what was given."""
    return datetime.fromtimestamp(time.time_ns() // 1_000_000 / 1000, UTC)


def iso(moment: datetime | None) -> str | None:
    """``YYYY-MM-DDTHH:MM:SS.mmmZ``, the wire's form."""
    return None if moment is None else moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
