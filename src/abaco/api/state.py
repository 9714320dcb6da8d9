"""``/actors/{id}/state``."""

from dataclasses import replace
from typing import Any

from litestar import Request, get, post
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath

from abaco.api import schemas
from abaco.api.auth import Caller, credentials_of
from abaco.api.documents import JSON, documented
from abaco.api.params import decode_json, media_type_of, read_body, surface_of
from abaco.api.surface import CANONICAL_ROOT
from abaco.api.wire import Wire, actor_fields
from abaco.errors import InvalidInput
from abaco.services.state import State

__all__ = ["state_routes"]

_PATH = CANONICAL_ROOT + "/{actor_id:str}/state"


def state_routes(state: State, caller: Caller, wire: Wire) -> list[BaseRouteHandler]:
    @get(_PATH, **documented("getState", "Get an actor's state.", schemas.State))
    async def get_state(request: Request[Any, Any, Any], actor_id: FromPath[str]) -> Any:
        value = await caller.call(request, lambda who: state.get(who, actor_id))
        return wire.success("Actor state retrieved successfully.", {"state": value})

    @post(
        _PATH,
        **documented("updateState", "Replace an actor's state.", schemas.Actor, bodies={JSON: Any}),
    )
    async def update_state(request: Request[Any, Any, Any], actor_id: FromPath[str]) -> Any:
        credentials_of(request)  # before the body: a stranger is told so at once
        body = await read_body(request)
        if media_type_of(request) != "application/json":
            raise InvalidInput(
                "state must be JSON serializable: send any JSON value with Content-Type application/json."
            )
        value = decode_json(body)
        actor, seen = await caller.call(request, lambda who: state.put(who, actor_id, value))
        surface = surface_of(request)
        fields = actor_fields(surface, replace(actor, state=seen), wire)
        return wire.success("State updated successfully.", surface.render(fields))

    return [get_state, update_state]
