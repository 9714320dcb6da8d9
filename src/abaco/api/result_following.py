"""The results of all executions of an actor, read without taking them: ``GET /actors/{id}/results``."""

from base64 import b64encode
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

from anyio import to_thread
from litestar import Request, Response, get
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath

from abaco.api import schemas
from abaco.api.auth import Caller, credentials_of
from abaco.api.bells import Bells
from abaco.api.documents import Query, documented
from abaco.api.event_stream import EVENT_STREAM, OPENING, STILL_THERE, EventStream, Say, event
from abaco.api.following import FOLLOW, HEARTBEAT_SECONDS, Following
from abaco.api.params import query_value, surface_of
from abaco.api.places import Places
from abaco.api.surface import CANONICAL_ROOT, Surface
from abaco.api.wire import Wire, actor_links
from abaco.domain.actor import Actor
from abaco.errors import AbacoError, InvalidInput
from abaco.ports import StoredResult
from abaco.services.executions import Executions

__all__ = ["ResultFollowing", "result_routes"]

_MOST_DIGITS = 18
_LISTED = documented(
    "listResults",
    "Read the results of all executions, without taking them; or follow them.",
    schemas.Results,
    query=[
        Query("after", "The number of the last result that is known.", 0, {"type": "integer", "minimum": 0}),
        Query("follow", "Send results as soon as they are there, as server-sent events.", "true", FOLLOW),
    ],
    streams=True,
)
Look = Callable[[int], Awaitable[tuple[Actor, list[StoredResult]]]]


class ResultFollowing:
    """Event `result` is one result; `look` says that an execution may have failed, or ended without any.

    The stream has no end of its own.
    """

    def __init__(self, executions: Executions, caller: Caller, bells: Bells, places: Places) -> None:
        self._executions = executions
        self._caller = caller
        self._bells = bells
        self._places = places

    async def answer(self, request: Request[Any, Any, Any], actor_id: str) -> Response[Any]:
        """The stream; raises what getting an execution would, and Unavailable if too many follow."""
        known = _number(request.headers.get("last-event-id", "") or query_value(request, "after"))
        who = await self._caller.identify(credentials_of(request))

        async def look(known: int) -> tuple[Actor, list[StoredResult]]:
            # With the permission each time: it may be taken away meanwhile.
            return await to_thread.run_sync(self._executions.results_after, who, actor_id, known)

        actor, _ = await look(known)
        if request.scope["state"]["is_head"]:
            return Response(b"", media_type=EVENT_STREAM)
        with ExitStack() as stack:
            stack.enter_context(self._places.place()).take(who)
            place = stack.pop_all()
        return EventStream(partial(self._write, look, actor.id, known, surface_of(request)), place)

    async def _write(self, look: Look, actor_id: str, known: int, surface: Surface, say: Say) -> None:
        trouble = f"failed:{actor_id}", f"actor:{actor_id}"
        await say(OPENING)
        with self._bells.bell(f"results:{actor_id}", *trouble) as bell, self._bells.bell(*trouble) as alarm:
            while not self._bells.is_closing:
                try:
                    _, found = await look(known)
                except AbacoError:
                    return  # deleted, or not the follower's any more: who connects again is told so
                if found:
                    known = found[-1].number
                    # Together: it is a third of the work of saying each.
                    await say("".join(_result(surface, each) for each in found))
                elif alarm.rang():
                    await say(event("look", None, str(known)))
                elif not await bell.wait(HEARTBEAT_SECONDS):
                    await say(STILL_THERE)


def _result(surface: Surface, result: StoredResult) -> str:
    return event("result", _fields(surface, result), str(result.number))


def _fields(surface: Surface, result: StoredResult) -> dict[str, Any]:
    return {
        "number": result.number,
        surface.spell("execution_id"): result.execution_id,
        "data": b64encode(result.data).decode(),
    }


def _number(text: str) -> int:
    """The number of the last result known, "" is none; raises InvalidInput."""
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
        raise InvalidInput("What results are to come after is not the number of any: leave it out to get all.")
    return int(text)


def result_routes(
    executions: Executions, following: ResultFollowing, caller: Caller, wire: Wire
) -> list[BaseRouteHandler]:
    @get(CANONICAL_ROOT + "/{actor_id:str}/results", **_LISTED)
    async def list_results(request: Request[Any, Any, Any], actor_id: FromPath[str]) -> Any:
        if Following.asked(request):
            return await following.answer(request, actor_id)
        known = _number(query_value(request, "after"))
        actor, found = await caller.call(request, lambda who: executions.results_after(who, actor_id, known))
        surface = surface_of(request)
        links = actor_links(surface, actor)
        own = {"self": f"{links['self']}/results", "owner": links["owner"]}
        results = [_fields(surface, each) for each in found]
        return wire.success("Results retrieved successfully.", {"results": results, "_links": own})

    return [list_results]
