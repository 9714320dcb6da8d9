"""``/actors/{id}/workers``: list, add, get, stop."""

from typing import Any

from litestar import Request, delete, get, post
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath

from abaco.api import schemas
from abaco.api.actors import ACTOR_PATH
from abaco.api.auth import Caller, credentials_of
from abaco.api.documents import documented
from abaco.api.params import read_params, surface_of
from abaco.api.search import SEARCH, Searches
from abaco.api.wire import Wire, worker_fields
from abaco.domain.search import Collection
from abaco.ports import PlacedWorker
from abaco.services.workers import Workers

__all__ = ["worker_routes"]


def worker_routes(workers: Workers, searches: Searches, caller: Caller, wire: Wire) -> list[BaseRouteHandler]:
    path, one = f"{ACTOR_PATH}/workers", f"{ACTOR_PATH}/workers/{{worker_id:str}}"

    def show(request: Request[Any, Any, Any], placed: PlacedWorker) -> dict[str, Any]:
        return surface_of(request).render(worker_fields(placed))

    found = (list[schemas.Worker], schemas.Found)

    @get(path, **documented("listWorkers", "List the actor's workers, or search them.", found, query=SEARCH))
    async def list_workers(request: Request[Any, Any, Any], actor_id: FromPath[str]) -> Any:
        if searches.asked(request):
            done = "Workers search completed successfully."
            return await searches.of_actor(request, Collection.WORKERS, done, actor_id)
        found = await caller.call(request, lambda who: workers.list(who, actor_id))
        return wire.success("Workers retrieved successfully.", [show(request, placed) for placed in found])

    @post(
        path,
        **documented("addWorker", "Have at least so many workers of the actor.", None, body=schemas.WorkerNumber),
    )
    async def add_workers(request: Request[Any, Any, Any], actor_id: FromPath[str]) -> Any:
        credentials_of(request)  # before the body: a stranger is told so at once
        number = (await read_params(request)).integer("num")
        wanted = 1 if number is None else number
        actor, came = await caller.call(request, lambda who: workers.add(who, actor_id, wanted))
        if came.added:
            scheduled = f"Scheduled {came.added} new worker(s) to start."
            return wire.success(f"{scheduled} Previously, there were {came.before} workers.", None)
        had = min(max(1, wanted), came.before)
        return wire.success(f"Actor {actor.id} already had {had} worker(s).", None)

    @get(one, **documented("getWorker", "Get one worker.", schemas.Worker))
    async def get_worker(request: Request[Any, Any, Any], actor_id: FromPath[str], worker_id: FromPath[str]) -> Any:
        placed = await caller.call(request, lambda who: workers.get(who, actor_id, worker_id))
        return wire.success("Worker retrieved successfully.", show(request, placed))

    @delete(one, **documented("deleteWorker", "Stop a worker; a busy one finishes its execution first.", None))
    async def delete_worker(request: Request[Any, Any, Any], actor_id: FromPath[str], worker_id: FromPath[str]) -> Any:
        await caller.call(request, lambda who: workers.stop(who, actor_id, worker_id))
        return wire.success("Worker scheduled to be stopped.", None)

    return [list_workers, add_workers, get_worker, delete_worker]
