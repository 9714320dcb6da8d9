"""Searching actors, executions, workers and logs."""

from collections.abc import Iterable

from abaco.domain.actor import Actor
from abaco.domain.permission import Level
from abaco.domain.search import Collection, SearchQuery, collection_of, parse_query
from abaco.domain.user import Principal
from abaco.errors import NotFound
from abaco.ports import Clock, SearchPage, SearchScope, Store
from abaco.services.access import Access, require_full

__all__ = ["Search"]

Pairs = Iterable[tuple[str, str]]
"""The parameters of a query string, in order."""


class Search:
    """`max_limit` is how much a page may hold; `default_token` is what actors mean that do not say."""

    def __init__(self, store: Store, access: Access, clock: Clock, max_limit: int, *, default_token: bool) -> None:
        self._store = store
        self._access = access
        self._clock = clock
        self._max_limit = max_limit
        self._default_token = default_token

    def collection(self, caller: Principal, name: str, pairs: Pairs) -> tuple[SearchQuery, SearchPage]:
        """All of a collection that the caller may read by an entry of their own or the world's; roles add nothing.

        Raises NotFound for an unknown collection, InvalidInput for a query that cannot be read.
        """
        require_full(caller)
        return self._find(caller, collection_of(name), pairs)

    def of_actor(
        self,
        caller: Principal,
        collection: Collection,
        identifier: str,
        pairs: Pairs,
        execution_id: str | None = None,
    ) -> tuple[SearchQuery, SearchPage]:
        """What of a collection belongs to one actor, or to one of its executions, which the caller may READ."""
        actor = self._access.require(caller, identifier, Level.READ)
        if execution_id is not None and self._store.executions.find(actor.id, execution_id) is None:
            raise NotFound(f"No execution {execution_id[:80]} found for actor {actor.id}.")
        return self._find(caller, collection, pairs, actor.id, execution_id)

    def _find(
        self,
        caller: Principal,
        collection: Collection,
        pairs: Pairs,
        actor_id: str | None = None,
        execution_id: str | None = None,
    ) -> tuple[SearchQuery, SearchPage]:
        query = parse_query(pairs, self._max_limit)
        scope = SearchScope(collection, caller.tenant, caller.username, self._default_token, actor_id, execution_id)
        page = self._store.searches.find(scope, query, self._clock.now())
        shown = [self._access.shown(caller, one) if isinstance(one, Actor) else one for one in page.found]
        return query, SearchPage(page.total, shown)
