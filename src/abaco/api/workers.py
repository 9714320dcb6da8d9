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
from abaco.api.wire import Wire
from abaco.domain.moment import iso
from abaco.ports import PlacedWorker
from abaco.services.workers import Workers

__all__ = ["worker_fields", "worker_routes"]

_UNKNOWN = "None"
"""What clients expect where there is no value yet; the keys must be there."""


def worker_fields(placed: PlacedWorker) -> dict[str, Any]:
    """A worker; `host` is the name of its machine, which also stands for the engine that containers are run by."""
    worker = placed.worker
    host = (placed.host or "").partition(":")[0] or _UNKNOWN
    return {
        "id": worker.id,
        "tenant": worker.tenant,
        "status": worker.status.value,
        "ch_name": f"worker_{worker.id}",
        "image": worker.image,
        "location": f"crun://{host}",
        "cid": worker.engine_id,
        "host_id": host,
        "host_ip": placed.address or _UNKNOWN,
        "create_time": iso(worker.created_at),
        "last_execution_time": iso(worker.last_execution_at) or _UNKNOWN,
        "last_health_check_time": iso(placed.checked_at) or _UNKNOWN,
    }


def worker_routes(workers: Workers, caller: Caller, wire: Wire) -> list[BaseRouteHandler]:
    path, one = f"{ACTOR_PATH}/workers", f"{ACTOR_PATH}/workers/{{worker_id:str}}"

    def show(request: Request[Any, Any, Any], placed: PlacedWorker) -> dict[str, Any]:
        return surface_of(request).render(worker_fields(placed))

    @get(path, **documented("listWorkers", "List the actor's workers.", list[schemas.Worker]))
    async def list_workers(request: Request[Any, Any, Any], actor_id: FromPath[str]) -> Any:
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
