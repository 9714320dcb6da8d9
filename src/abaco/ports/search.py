"""Searching: what is looked through, and what comes of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from abaco.domain.actor import Actor
from abaco.domain.execution import Execution
from abaco.domain.search import Collection, SearchQuery
from abaco.ports.records import PlacedWorker

__all__ = ["Found", "FoundLog", "SearchPage", "SearchRepository", "SearchScope"]


@dataclass(frozen=True, slots=True)
class SearchScope:
    """What a search may find: of `tenant`, of actors that are not deleted, and

    - without `actor_id`: of every actor that `username` may read by an entry of their own or the world's;
    - with `actor_id`: of that actor, whose permissions somebody has checked, and of `execution_id` if that is given.

    `default_token` is what actors mean that do not say whether they want a token.
    """

    collection: Collection
    tenant: str
    username: str
    default_token: bool
    actor_id: str | None = None
    execution_id: str | None = None


@dataclass(frozen=True, slots=True)
class FoundLog:
    """An unexpired log, of a finished or a running execution."""

    execution_id: str
    actor_id: str
    actor_owner: str
    api_server: str
    text: str


Found = Actor | Execution | PlacedWorker | FoundLog


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of what was found, and how much there is in all."""

    total: int
    found: Sequence[Found]


class SearchRepository(Protocol):
    def find(self, scope: SearchScope, query: SearchQuery, now: datetime) -> SearchPage:
        """The objects of `scope` that meet `query`: best first if it has words, else in order of creation.

        Raises InvalidInput if a pattern is too complex or the page would be too large, Unavailable if the search
        takes too long.
        """
