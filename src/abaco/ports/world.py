"""Time, telemetry, waking."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from abaco.domain.event import Event

__all__ = ["Clock", "Emit", "Listener", "Notifier"]


class Clock(Protocol):
    """The only source of the time of day."""

    def now(self) -> datetime:
        """Aware UTC, whole milliseconds: what is stored is what was given."""


Emit = Callable[[Event], None]
"""Announce what happened; never raises, never blocks."""


class Notifier(Protocol):
    """Wakes the engine, or the API. A lost word only costs time: both also look by themselves now and then."""

    def notify(self, *topics: str) -> None:
        """Say the topics to whoever listens; never raises, and waits for a moment at most.

        To the engine: ``message:ID``: this actor got messages; ``actor:ID``: it was changed; ``halt:ID``: stop this
        execution. To the API: ``execution:ID``: it has a result, or has ended.
        """


class Listener(Protocol):
    """The listening end of a Notifier."""

    def fileno(self) -> int:
        """Readable once something was said."""

    def receive(self) -> set[str]:
        """Every topic that has arrived; never blocks."""
