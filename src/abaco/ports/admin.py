"""What administrators and metrics see of everything there is, in all tenants."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from abaco.domain.actor import Actor
from abaco.ports.records import PlacedWorker

__all__ = ["AdminRepository", "Gauges", "Totals"]


@dataclass(frozen=True, slots=True)
class Totals:
    """What executions add up to: how many, seconds of wall clock, CPU nanoseconds, bytes received."""

    executions: int = 0
    runtime: int = 0
    cpu: int = 0
    io: int = 0


@dataclass(frozen=True, slots=True)
class Gauges:
    """Numbers at one moment: by status, and messages that wait by tenant and of the fullest mailboxes by actor."""

    actors: Mapping[str, int]
    executions: Mapping[str, int]
    workers: Mapping[str, int]
    waiting: Mapping[str, int]
    fullest: Mapping[str, int]


class AdminRepository(Protocol):
    """A query each, however much there is."""

    def actors(self) -> list[Actor]:
        """Every actor that is not deleted, in order of registration."""

    def workers(self) -> list[PlacedWorker]: ...

    def waiting(self) -> dict[str, int]:
        """Messages that wait, by actor; those without are left out."""

    def totals(self) -> dict[str, Totals]:
        """Of every actor that ever had an execution, also deleted ones."""

    def actors_ever(self) -> int:
        """Actors that were ever registered."""

    def counts(self) -> tuple[int, int, int]:
        """Actors that are not deleted, workers, and those of them that are on their way."""

    def gauges(self, fullest: int) -> Gauges:
        """With so many of the fullest mailboxes at most."""
