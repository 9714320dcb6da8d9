"""A worker: takes messages of one actor, one at a time, and runs a container for each."""

from dataclasses import dataclass
from datetime import datetime

from abaco.domain.lifecycle import WorkerStatus

__all__ = ["Worker"]


@dataclass(frozen=True, slots=True)
class Worker:
    id: str
    tenant: str
    actor_id: str
    engine_id: str
    status: WorkerStatus
    revision: int
    image: str
    created_at: datetime
    last_execution_at: datetime | None = None
