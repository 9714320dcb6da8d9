"""Containers by the Docker Engine: one for each execution."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from aiodocker import Docker, DockerError

from abaco.ports import Clock, PreparedImage, Runtime
from abaco.runtime.cgroup import instance_name
from abaco.runtime.docker.engine import DockerEngine
from abaco.runtime.docker.images import local_name
from abaco.runtime.docker.sandbox import DockerSandbox, Terms
from abaco.runtime.docker.usage import UsageGroups
from abaco.runtime.overlay import delete_tree

__all__ = ["DockerRuntime"]

_LABEL: Final = "org.abaco.data"


class DockerRuntime(Runtime):
    """Runs containers for the server that keeps its data in `data`, by `engine`, which has been entered.

    One process at a time may use a data directory: `clean` takes all it finds there for its predecessor's.
    Raises RuntimeUnavailable if there is no engine.
    """

    def __init__(self, data: Path, clock: Clock, engine: DockerEngine, terms: Terms) -> None:
        self._engine = engine
        self._terms = terms
        self._clock = clock
        self._labels = {_LABEL: str(data.resolve())}
        self._sandboxes = data / "run" / "docker"
        self._sandboxes.mkdir(parents=True, exist_ok=True)
        # Messages and results lie in it while they are under way.
        self._sandboxes.chmod(0o700)
        self._groups = UsageGroups(instance_name(data)) if UsageGroups.are_kept(engine.require()) else None

    def sandbox(self, worker_id: str, image: PreparedImage) -> DockerSandbox:
        if self._terms.network.firewall is not None:
            self._terms.network.firewall.ensure()
        group = None if self._groups is None else self._groups.group(worker_id)
        directory = self._sandboxes / worker_id
        return DockerSandbox(
            self._engine,
            local_name(image.digest),
            image.digest,
            directory,
            self._terms,
            self._labels,
            group,
            self._clock,
        )

    def clean(self, tell: Callable[[str], object] = str) -> int:
        alive = self._engine.call(partial(self._remove_all, tell))
        for directory in self._sandboxes.iterdir():
            delete_tree(directory)
        if self._groups is not None:
            self._groups.remove()
        return alive

    async def _remove_all(self, tell: Callable[[str], object], client: Docker) -> int:
        """Whatever containers there are of this server; how many of them ran."""
        filters = json.dumps({"label": [f"{_LABEL}={self._labels[_LABEL]}"]})
        found = await client.containers.list(all=True, filters=filters)
        for container in found:
            try:
                await container.delete(force=True, v=True)
            except DockerError as error:
                tell(f"container {container.id}: {error.message}")
        return sum(container["State"] == "running" for container in found)
