"""Schedules coming due."""

from dataclasses import dataclass

from abaco.services.schedules import Schedules

__all__ = ["Cron", "CronPass"]

_BATCH = 100
_LONGEST_SECONDS = 5.0
"""How late a schedule is noticed that was made meanwhile."""
_SHORTEST_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class CronPass:
    """How many were due, and how long nobody will be."""

    due: int
    rest_seconds: float


class Cron:
    def __init__(self, schedules: Schedules) -> None:
        self._schedules = schedules

    def run_once(self) -> CronPass:
        """Fire what is due."""
        due = self._schedules.fire_due(_BATCH)
        until = self._schedules.seconds_until_next()
        rest = _LONGEST_SECONDS if until is None else min(max(until, _SHORTEST_SECONDS), _LONGEST_SECONDS)
        return CronPass(due, rest)
