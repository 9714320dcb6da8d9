"""Actors."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from abaco.api.schemas.base import Camel

__all__ = ["Actor", "ActorDescription", "State"]


class ActorLinks(Struct):
    self: str
    owner: str
    executions: str


class Actor(Camel, kw_only=True):
    """A registered actor."""

    id: str
    image: str
    name: str | UnsetType = UNSET
    description: str
    type: str
    owner: str
    default_environment: dict[str, Any]
    stateless: bool
    state: Any | UnsetType = UNSET
    hints: list[str]
    link: Annotated[str, Meta(description="Actor that gets this one's events: its id or alias.")]
    webhook: Annotated[str, Meta(description="URL that gets this actor's events.")]
    token: bool | str
    privileged: bool
    use_container_uid: bool
    run_as_executor: Annotated[bool, Meta(description="Run as whoever sent the message.")]
    queue: str
    gpus: list[str]
    max_workers: int | UnsetType = UNSET
    mem_limit: str | UnsetType = UNSET
    max_cpus: Annotated[int, Meta(description="Nano-CPUs.")] | UnsetType = UNSET
    log_ex: Annotated[int, Meta(description="Seconds.")] | UnsetType = UNSET
    max_run_time: int | UnsetType = UNSET
    cron_schedule: str | UnsetType = UNSET
    cron_on: bool
    cron_next_ex: Annotated[str, Meta(description="The schedule's next slot.")] | UnsetType = UNSET
    mounts: Annotated[list[dict[str, str]], Meta(description="container_path, host_path and mode of each.")]
    uid: str | UnsetType = UNSET
    gid: str | UnsetType = UNSET
    tasdir: Annotated[str, Meta(description="The owner's home directory.")] | UnsetType = UNSET
    revision: int
    status: Annotated[str, Meta(description="SUBMITTED, READY, ERROR or SHUTTING_DOWN.")]
    status_message: str
    create_time: str
    last_update_time: str
    links: ActorLinks = msgspec.field(name="_links")


class ActorDescription(Camel, kw_only=True):
    """What registering and updating an actor takes; JSON, form or query parameters."""

    image: Annotated[str, Meta(description="Container image, such as abacosamples/test.", examples=["abacosamples/wc"])]
    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    type: str | UnsetType = UNSET
    default_environment: dict[str, Any] | UnsetType = UNSET
    stateless: bool | UnsetType = UNSET
    state: dict[str, Any] | UnsetType = UNSET
    hints: list[str] | UnsetType = UNSET
    link: str | UnsetType = UNSET
    webhook: str | UnsetType = UNSET
    token: bool | UnsetType = UNSET
    privileged: bool | UnsetType = UNSET
    use_container_uid: bool | UnsetType = UNSET
    run_as_executor: bool | UnsetType = UNSET
    queue: str | UnsetType = UNSET
    gpus: list[str] | UnsetType = UNSET
    max_workers: int | UnsetType = UNSET
    mem_limit: str | UnsetType = UNSET
    max_cpus: int | UnsetType = UNSET
    log_ex: int | UnsetType = UNSET
    max_run_time: int | UnsetType = UNSET
    cron_schedule: str | UnsetType = UNSET
    cron_on: bool | UnsetType = UNSET
    force: Annotated[bool, Meta(description="Update only: start a new revision.")] | UnsetType = UNSET


class State(Struct):
    state: Any
