"""Workers."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from abaco.api.schemas.base import Camel

__all__ = ["Worker", "WorkerNumber"]


class Worker(Camel, kw_only=True):
    """What runs an actor's containers, one after the other. Unknown values are the text `None`."""

    id: str
    actor_id: str
    tenant: str
    status: str
    ch_name: str
    image: str
    location: str
    cid: str
    host_id: str
    host_ip: str
    create_time: str
    last_execution_time: str
    last_health_check_time: str


class WorkerNumber(Struct, kw_only=True):
    """How many workers the actor is to have at least."""

    num: Annotated[int, Meta(description="1 if it is not said; 0 means 1.", examples=[2])] | UnsetType = UNSET
