"""What administrators see of all tenants."""

from abaco.api.schemas.actors import Actor
from abaco.api.schemas.base import Camel
from abaco.api.schemas.workers import Worker

__all__ = ["ActorOverview", "ExecutionsOverview", "Utilization", "WorkersOverview"]


class Utilization(Camel, kw_only=True):
    """How much there is of everything, in all tenants."""

    current_actors: int
    total_actors: int
    workers: int
    command_queue: int


class ActorOverview(Actor, kw_only=True):
    """An actor with what belongs to it."""

    tenant: str
    db_id: str
    api_server: str
    workers: list[Worker]
    messages: int
    executions: int
    runtime: int


class PlacedWorker(Worker, kw_only=True):
    """A worker, and whose it is."""

    actor_id: str
    actor_dbid: str


class WorkersSummary(Camel, kw_only=True):
    total_workers: int
    ready_workers: int
    requested_workers: int
    error_workers: int
    busy_workers: int
    actors_no_workers: int


class WorkersOverview(Camel, kw_only=True):
    """All workers."""

    summary: WorkersSummary
    workers: list[PlacedWorker]


class ExecutionsSummary(Camel, kw_only=True):
    total_actors_all: int
    total_actors_all_with_executions: int
    total_executions_all: int
    total_execution_runtime_all: int
    total_execution_cpu_all: int
    total_execution_io_all: int
    total_actors_existing: int
    total_actors_existing_with_executions: int
    total_executions_existing: int
    total_execution_runtime_existing: int
    total_execution_cpu_existing: int
    total_execution_io_existing: int


class ActorTotals(Camel, kw_only=True):
    """What an actor's executions add up to."""

    actor_id: str
    owner: str
    image: str
    total_executions: int
    total_execution_cpu: int
    total_execution_io: int
    total_execution_runtime: int


class ExecutionsOverview(Camel, kw_only=True):
    """All executions, also those of deleted actors, and the totals of each actor there is."""

    summary: ExecutionsSummary
    actors: list[ActorTotals]
