"""``/actors/admin`` and ``/actors/utilization``: everything there is, in all tenants."""

from dataclasses import asdict
from typing import Any

from litestar import Request, get
from litestar.handlers import BaseRouteHandler

from abaco.api import schemas
from abaco.api.auth import Caller
from abaco.api.documents import documented
from abaco.api.params import surface_of
from abaco.api.surface import CANONICAL_ROOT, Surface, camel
from abaco.api.wire import Wire, actor_fields, worker_fields
from abaco.domain.actor import Actor
from abaco.domain.ids import actor_dbid
from abaco.domain.lifecycle import WorkerStatus
from abaco.ports import PlacedWorker, Totals
from abaco.services.admin import ActorOverview, Admin, ExecutionsOverview, WorkersOverview

__all__ = ["admin_routes"]

_ADMIN = CANONICAL_ROOT + "/admin"


def admin_routes(admin: Admin, caller: Caller, wire: Wire) -> list[BaseRouteHandler]:
    @get(
        f"{CANONICAL_ROOT}/utilization",
        **documented("getUtilization", "See how many actors and workers there are.", schemas.Utilization),
    )
    async def get_utilization(request: Request[Any, Any, Any]) -> Any:
        numbers = asdict(await caller.call(request, admin.utilization))
        result = {camel(name): number for name, number in numbers.items()}  # everywhere, as upstream
        return wire.success("Abaco utilization returned successfully.", result)

    @get(_ADMIN, **documented("adminListActors", "List all actors (admins only).", list[schemas.ActorOverview]))
    async def list_actors(request: Request[Any, Any, Any]) -> Any:
        found, surface = await caller.call(request, admin.actors), surface_of(request)
        shown = [_actor_overview(surface, one, wire) for one in found]
        return wire.success("Actors retrieved successfully.", shown)

    @get(
        f"{_ADMIN}/workers",
        **documented("adminListWorkers", "List all workers (admins only).", schemas.WorkersOverview),
    )
    async def list_workers(request: Request[Any, Any, Any]) -> Any:
        found = await caller.call(request, admin.workers)
        return wire.success("Workers retrieved successfully.", _workers_overview(surface_of(request), found))

    @get(
        f"{_ADMIN}/executions",
        **documented("adminListExecutions", "Add up all executions (admins only).", schemas.ExecutionsOverview),
    )
    async def list_executions(request: Request[Any, Any, Any]) -> Any:
        found = await caller.call(request, admin.executions)
        return wire.success("Executions retrieved successfully.", _executions_overview(surface_of(request), found))

    return [get_utilization, list_actors, list_workers, list_executions]


def _actor_overview(surface: Surface, one: ActorOverview, wire: Wire) -> dict[str, Any]:
    return surface.render(
        {
            **actor_fields(surface, one.actor, wire),
            "tenant": one.actor.tenant,
            "db_id": one.actor.dbid,
            "api_server": one.actor.api_server,
            "workers": [surface.render(worker_fields(placed)) for placed in one.workers],
            "messages": one.messages,
            "executions": one.totals.executions,
            "runtime": one.totals.runtime,
        }
    )


def _workers_overview(surface: Surface, found: WorkersOverview) -> dict[str, Any]:
    def number(status: WorkerStatus) -> int:
        return sum(placed.worker.status is status for placed in found.workers)

    summary = {
        "total_workers": len(found.workers),
        "ready_workers": number(WorkerStatus.READY),
        "requested_workers": number(WorkerStatus.REQUESTED),
        # A worker that fails is removed at once.
        "error_workers": 0,
        "busy_workers": number(WorkerStatus.BUSY),
        "actors_no_workers": found.actors_without,
    }
    workers = [surface.render({**worker_fields(placed), **_whose(placed)}) for placed in found.workers]
    return {"summary": surface.render(summary), "workers": workers}


def _whose(placed: PlacedWorker) -> dict[str, str]:
    worker = placed.worker
    return {"actor_id": worker.actor_id, "actor_dbid": actor_dbid(worker.tenant, worker.actor_id)}


def _executions_overview(surface: Surface, found: ExecutionsOverview) -> dict[str, Any]:
    summary: dict[str, int] = {}
    for kind, (actors, having, totals) in (("all", found.ever), ("existing", found.existing)):
        summary[f"total_actors_{kind}"] = actors
        summary[f"total_actors_{kind}_with_executions"] = having
        summary[f"total_executions_{kind}"] = totals.executions
        summary[f"total_execution_runtime_{kind}"] = totals.runtime
        summary[f"total_execution_cpu_{kind}"] = totals.cpu
        summary[f"total_execution_io_{kind}"] = totals.io
    rows = [surface.render(_actor_totals(actor, totals)) for actor, totals in found.actors]
    return {"summary": surface.render(summary), "actors": rows}


def _actor_totals(actor: Actor, totals: Totals) -> dict[str, Any]:
    return {
        "actor_id": actor.id,
        "owner": actor.owner,
        "image": actor.image,
        "total_executions": totals.executions,
        "total_execution_cpu": totals.cpu,
        "total_execution_io": totals.io,
        "total_execution_runtime": totals.runtime,
    }
