"""``/actors/search/{collection}``, and the listings that are searches when they have query parameters."""

from collections.abc import Callable, Mapping
from typing import Any

from anyio import CapacityLimiter
from litestar import Request, Response, get
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath

from abaco.api import schemas
from abaco.api.auth import Caller
from abaco.api.documents import Query, documented
from abaco.api.params import query_pairs, surface_of
from abaco.api.surface import CANONICAL_ROOT, Surface
from abaco.api.wire import Wire, actor_fields, execution_fields, log_links, worker_fields
from abaco.domain.actor import Actor
from abaco.domain.execution import Execution
from abaco.domain.search import Collection, SearchQuery, asks_to_search
from abaco.domain.user import Principal
from abaco.ports import Found, FoundLog, PlacedWorker, SearchPage
from abaco.services.search import Search

__all__ = ["SEARCH", "Searches", "search_routes"]

_NUMBER: Mapping[str, Any] = {"type": "integer", "minimum": 0}
SEARCH = (
    Query("search", "Words of which at least one occurs; the best come first.", "sleep_loop"),
    Query("exactsearch", "A phrase that occurs.", "abacosamples/sleep_loop"),
    Query("skip", "How many entries to leave out.", 0, _NUMBER),
    Query("limit", "How many entries to return.", 100, _NUMBER),
)
"""The parameters that have names of their own; all others are conditions, FIELD.OPERATOR=VALUE."""


class Searches:
    """Answers searches, at most `at_once` at a time: they are not to keep others from the threads."""

    def __init__(self, search: Search, caller: Caller, wire: Wire, at_once: int) -> None:
        self._search = search
        self._caller = caller
        self._wire = wire
        self._limiter = CapacityLimiter(at_once)

    @staticmethod
    def asked(request: Request[Any, Any, Any]) -> bool:
        """Whether a listing is to be a search."""
        return asks_to_search(query_pairs(request))

    async def of_everything(self, request: Request[Any, Any, Any], collection: str, done: str) -> Response[bytes]:
        """All that the caller may read of a collection; `done` is the message."""
        pairs = query_pairs(request)
        return await self._answer(request, done, lambda who: self._search.collection(who, collection, pairs))

    async def of_actor(
        self,
        request: Request[Any, Any, Any],
        collection: Collection,
        done: str,
        actor_id: str,
        execution_id: str | None = None,
    ) -> Response[bytes]:
        """What belongs to the actor, or to its execution, in the path; the actor may be named by an alias."""
        pairs = query_pairs(request)
        return await self._answer(
            request, done, lambda who: self._search.of_actor(who, collection, actor_id, pairs, execution_id)
        )

    async def _answer(
        self, request: Request[Any, Any, Any], done: str, find: Callable[[Principal], tuple[SearchQuery, SearchPage]]
    ) -> Response[bytes]:
        query, page = await self._caller.call(request, find, self._limiter)
        surface = surface_of(request)
        metadata = {
            "total_count": page.total,
            "records_skipped": query.skip,
            "record_limit": query.limit,
            "count_returned": len(page.found),
        }
        entries = [self._entry(surface, found) for found in page.found]
        return self._wire.success(done, {"_metadata": _spelled(surface, metadata), "search": entries})

    def _entry(self, surface: Surface, found: Found) -> dict[str, Any]:
        match found:
            case Actor():
                return _spelled(surface, actor_fields(surface, found, self._wire))
            case Execution():
                fields = execution_fields(surface, found)
                del fields["api_server"]
                return _spelled(surface, fields)
            case PlacedWorker():
                fields = {"actor_id": found.worker.actor_id, **worker_fields(found)}
                del fields["tenant"]
                return _spelled(surface, fields)
            case FoundLog():
                owner, actor_id = found.actor_owner, found.actor_id
                links = log_links(surface, found.api_server, owner, actor_id, found.execution_id)
                return {"logs": found.text, "_links": links}


def _spelled(surface: Surface, fields: Mapping[str, Any]) -> dict[str, Any]:
    """In the surface's case, nulls present in both: clients of searches look for them."""
    return {surface.spell(name): value for name, value in fields.items()}


def search_routes(searches: Searches) -> list[BaseRouteHandler]:
    @get(
        CANONICAL_ROOT + "/search/{collection:str}",
        **documented("getSearch", "Search all you may read of a collection.", schemas.Found, query=SEARCH),
    )
    async def search_collection(request: Request[Any, Any, Any], collection: FromPath[str]) -> Any:
        return await searches.of_everything(request, collection, "Search completed successfully.")

    return [search_collection]
