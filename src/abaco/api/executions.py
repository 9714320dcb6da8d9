"""``/actors/{id}/executions``: list, get, halt; logs and results."""

from functools import partial
from typing import Any

from anyio import CapacityLimiter
from litestar import Request, Response, delete, get
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath

from abaco.api import schemas
from abaco.api.auth import Caller
from abaco.api.documents import Query, documented
from abaco.api.following import FOLLOW, Following
from abaco.api.params import surface_of
from abaco.api.search import SEARCH, Searches
from abaco.api.surface import CANONICAL_ROOT, Surface
from abaco.api.wire import Wire, execution_fields, log_links, summary_fields
from abaco.domain.search import Collection
from abaco.domain.user import Principal
from abaco.services.executions import Executions

__all__ = ["execution_routes"]

_ALL = CANONICAL_ROOT + "/{actor_id:str}/executions"
_ONE = _ALL + "/{execution_id:str}"
_SUMMARIES_AT_ONCE = 4
_LISTED = documented(
    "listExecutions",
    "List an actor's executions, oldest first, with sums; or search them.",
    (schemas.Summary, schemas.Found),
    query=SEARCH,
)
_LOGGED = documented(
    "getExecutionLogs",
    "Get an execution's log so far, follow it, or search it.",
    (schemas.Logs, schemas.Found),
    query=[
        Query(
            "follow",
            "Send the log while it is written, as server-sent events; with Accept: text/plain, as it is.",
            "true",
            FOLLOW,
        ),
        *SEARCH,
    ],
    streams=True,
)


def _summary(executions: Executions, wire: Wire, surface: Surface, actor_id: str, who: Principal) -> Response[bytes]:
    """With the rendering, which takes longer than the look-up: the event loop is everybody's."""
    fields = summary_fields(surface, *executions.summary(who, actor_id))
    return wire.success("Actor executions retrieved successfully.", surface.render(fields))


def execution_routes(
    executions: Executions, searches: Searches, following: Following, caller: Caller, wire: Wire
) -> list[BaseRouteHandler]:
    # A busy actor's summary has many megabytes.
    summarizing = CapacityLimiter(_SUMMARIES_AT_ONCE)

    @get(_ALL, **_LISTED)
    async def list_executions(request: Request[Any, Any, Any], actor_id: FromPath[str]) -> Any:
        if searches.asked(request):
            done = "Executions search completed successfully."
            return await searches.of_actor(request, Collection.EXECUTIONS, done, actor_id)
        summarize = partial(_summary, executions, wire, surface_of(request), actor_id)
        return await caller.call(request, summarize, summarizing)

    @get(_ONE, **documented("getExecution", "Get one execution.", schemas.Execution))
    async def get_execution(
        request: Request[Any, Any, Any], actor_id: FromPath[str], execution_id: FromPath[str]
    ) -> Any:
        execution = await caller.call(request, lambda who: executions.get(who, actor_id, execution_id))
        surface = surface_of(request)
        fields = execution_fields(surface, execution)
        return wire.success("Actor execution retrieved successfully.", surface.render(fields))

    @delete(_ONE, **documented("haltExecution", "Halt a running execution.", None))
    async def halt_execution(
        request: Request[Any, Any, Any], actor_id: FromPath[str], execution_id: FromPath[str]
    ) -> Any:
        await caller.call(request, lambda who: executions.halt(who, actor_id, execution_id))
        return wire.success(f"Issued force quit command for execution {execution_id}.", None)

    @get(_ONE + "/logs", **_LOGGED)
    async def get_logs(request: Request[Any, Any, Any], actor_id: FromPath[str], execution_id: FromPath[str]) -> Any:
        if following.asked(request):
            return await following.answer(request, actor_id, execution_id)
        if searches.asked(request):
            done = "Log search completed successfully."
            return await searches.of_actor(request, Collection.LOGS, done, actor_id, execution_id)
        actor, text = await caller.call(request, lambda who: executions.log(who, actor_id, execution_id))
        links = log_links(surface_of(request), actor.api_server, actor.owner, actor.id, execution_id)
        return wire.success("Logs retrieved successfully.", {"logs": text, "_links": links})

    @get(_ONE + "/results", **documented("getOneExecutionResult", "Take the oldest unread result.", bytes))
    async def pop_result(request: Request[Any, Any, Any], actor_id: FromPath[str], execution_id: FromPath[str]) -> Any:
        if request.scope["state"]["is_head"]:  # it must not take what it does not show
            await caller.call(request, lambda who: executions.get(who, actor_id, execution_id))
            return Response(b"", media_type="application/octet-stream")
        data = await caller.call(request, lambda who: executions.pop_result(who, actor_id, execution_id))
        return Response(data, media_type="application/octet-stream")

    return [list_executions, get_execution, halt_execution, get_logs, pop_result]
