"""``/actors``: list, register, get, update, delete."""

from dataclasses import replace
from functools import partial
from typing import Any

import anyio
from anyio import CapacityLimiter
from litestar import Request, Response, delete, get, post, put
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath

from abaco.api import schemas
from abaco.api.auth import Caller, credentials_of
from abaco.api.bells import Bells
from abaco.api.documents import documented
from abaco.api.params import Params, read_params, surface_of
from abaco.api.search import SEARCH, Searches
from abaco.api.surface import CANONICAL_ROOT, Surface
from abaco.api.wire import Wire, actor_fields
from abaco.domain.actor import Actor, ActorDescription
from abaco.domain.search import Collection
from abaco.domain.user import Principal
from abaco.services.actors import Actors

__all__ = ["ACTOR_PATH", "actor_routes"]

ACTOR_PATH = CANONICAL_ROOT + "/{actor_id:str}"

_LISTINGS_AT_ONCE = 4
_DELETE_WAIT_SECONDS = 20.0
_DELETE_POLL_SECONDS = 0.02


def _description(params: Params) -> ActorDescription:
    """All but the state, which only registering takes: what was read of an actor may be sent back in a PUT."""
    return ActorDescription(
        image=params.text("image") or "",
        name=params.text("name"),
        description=params.text("description") or "",
        type=params.text("type") or "none",
        default_environment=params.mapping("default_environment") or {},
        stateless=params.boolean("stateless"),
        hints=tuple(params.texts("hints")),
        link=params.text("link") or "",
        webhook=params.text("webhook") or "",
        token=params.boolean("token"),
        privileged=params.boolean("privileged") or False,
        use_container_uid=params.boolean("use_container_uid") or False,
        run_as_executor=params.boolean("run_as_executor") or False,
        queue=params.text("queue"),
        gpus=tuple(params.texts("gpus")),
        max_workers=params.integer("max_workers"),
        mem_limit=params.text("mem_limit"),
        max_cpus=params.integer("max_cpus"),
        log_ex=params.integer("log_ex"),
        max_run_time=params.integer("max_run_time"),
        cron_schedule=params.text("cron_schedule"),
        cron_on=params.boolean("cron_on"),
        force=params.boolean("force") or False,
    )


def _listed(actors: Actors, wire: Wire, surface: Surface, who: Principal) -> Response[bytes]:
    """With the rendering, which takes longer than the look-up: the event loop is everybody's."""
    shown = [surface.render(actor_fields(surface, actor, wire)) for actor in actors.list(who)]
    return wire.success("Actors retrieved successfully.", shown)


def actor_routes(
    actors: Actors, searches: Searches, bells: Bells, caller: Caller, wire: Wire
) -> list[BaseRouteHandler]:
    listing = CapacityLimiter(_LISTINGS_AT_ONCE)

    def show(request: Request[Any, Any, Any], actor: Actor) -> dict[str, Any]:
        surface = surface_of(request)
        return surface.render(actor_fields(surface, actor, wire))

    @get(
        CANONICAL_ROOT,
        **documented(
            "list", "List the actors you may read, or search them.", (list[schemas.Actor], schemas.Found), query=SEARCH
        ),
    )
    async def list_actors(request: Request[Any, Any, Any]) -> Any:
        if searches.asked(request):
            return await searches.of_everything(request, Collection.ACTORS, "Actors search completed successfully.")
        return await caller.call(request, partial(_listed, actors, wire, surface_of(request)), listing)

    @post(CANONICAL_ROOT, **documented("add", "Register an actor.", schemas.Actor, body=schemas.ActorDescription))
    async def register_actor(request: Request[Any, Any, Any]) -> Any:
        credentials_of(request)  # before the body: a stranger is told so at once
        params = await read_params(request)
        description = replace(_description(params), state=params.mapping("state"))
        actor = await caller.call(request, lambda who: actors.register(who, description))
        return wire.success("Actor created successfully.", show(request, actor))

    @get(ACTOR_PATH, **documented("get", "Get one actor.", schemas.Actor))
    async def get_actor(request: Request[Any, Any, Any], actor_id: FromPath[str]) -> Any:
        actor = await caller.call(request, lambda who: actors.get(who, actor_id))
        return wire.success("Actor retrieved successfully.", show(request, actor))

    @put(
        ACTOR_PATH,
        **documented("update", "Update an actor.", schemas.Actor, body=schemas.ActorDescription),
    )
    async def update_actor(request: Request[Any, Any, Any], actor_id: FromPath[str]) -> Any:
        credentials_of(request)
        description = _description(await read_params(request))
        actor = await caller.call(request, lambda who: actors.update(who, actor_id, description))
        return wire.success("Actor updated successfully.", show(request, actor))

    @delete(
        ACTOR_PATH,
        **documented("delete", "Delete an actor; its running containers are killed.", None),
    )
    async def delete_actor(request: Request[Any, Any, Any], actor_id: FromPath[str]) -> Any:
        deleted = await caller.call(request, lambda who: actors.delete(who, actor_id))
        bells.hear({f"actor:{deleted}"})  # whoever waits for what was dropped
        if await _wait_until_gone(actors, deleted):
            return wire.success("Actor deleted successfully.", None)
        return wire.success(
            "Actor deleted successfully, though resources are still being cleaned up.",
            None,
        )

    return [list_actors, register_actor, get_actor, update_actor, delete_actor]


async def _wait_until_gone(actors: Actors, actor_id: str) -> bool:
    """Give the engine time to kill what runs; the contract bounds the wait at 20 seconds."""
    with anyio.move_on_after(_DELETE_WAIT_SECONDS):
        while not await anyio.to_thread.run_sync(actors.is_gone, actor_id):  # noqa: ASYNC110
            await anyio.sleep(_DELETE_POLL_SECONDS)  # what is waited for happens in another process
        return True
    return False
