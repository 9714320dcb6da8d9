"""Queues: classes of workers, each with places, limits and devices of its own; an actor belongs to one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from abaco.domain.actor import DEFAULT_QUEUE, ActorDescription, memory_bytes
from abaco.errors import InvalidInput

__all__ = ["Queue", "check_placement", "require_queues"]

_NAME = re.compile(r"[\w.-]{1,64}", re.ASCII)
_DEVICE = re.compile(r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?/[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?=[A-Za-z0-9][\w.:-]*")


@dataclass(frozen=True, slots=True)
class Queue:
    """`max_workers` may be at work in it; `mem_limit` and `max_cpus` hold for actors that do not say (-1: no limit).

    `gpus` are the devices (CDI names such as ``nvidia.com/gpu=0``) that its workers may have, one worker each.
    """

    max_workers: int
    mem_limit: str = "-1"
    max_cpus: int = -1
    gpus: tuple[str, ...] = ()


def require_queues(queues: Mapping[str, Queue]) -> None:
    """Raise InvalidInput if these cannot be the queues of a server."""
    owners: dict[str, str] = {}
    for name, queue in queues.items():
        if not _NAME.fullmatch(name):
            raise InvalidInput(f"{name!r} is no name for a queue: use letters, digits, '.', '_' and '-', 64 at most.")
        try:
            memory_bytes(queue.mem_limit)
        except InvalidInput as error:
            raise InvalidInput(f"queue {name}: {error.message}") from None
        if queue.max_workers < 1:
            raise InvalidInput(f"queue {name}: max_workers must be at least 1.")
        for gpu in queue.gpus:
            if not _DEVICE.fullmatch(gpu):
                raise InvalidInput(f"queue {name}: {gpu!r} is no device's CDI name, such as nvidia.com/gpu=0.")
            if gpu in owners:
                raise InvalidInput(f"queue {name}: {gpu!r} is named already (in queue {owners[gpu]}).")
            owners[gpu] = name


def check_placement(description: ActorDescription, queues: Mapping[str, Queue]) -> None:
    """Raise InvalidInput if there is no such queue, or it has no such devices."""
    name = description.queue or DEFAULT_QUEUE
    queue = queues.get(name)
    if queue is None:
        known = ", ".join(queues)
        raise InvalidInput(f"queue {name!r} is not a queue of this server; its queues are: {known}.")
    for gpu in description.gpus:
        if gpu not in queue.gpus:
            known = ", ".join(queue.gpus) or "none"
            raise InvalidInput(f"gpus: {gpu!r} is not a device of the queue {name!r}; its devices are: {known}.")
    if len(set(description.gpus)) < len(description.gpus):
        raise InvalidInput("gpus: a device is named twice.")
