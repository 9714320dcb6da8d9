"""What a worker runs its containers in, one at a time: an image of the engine's, and a directory for their files."""

import threading
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from abaco.domain.execution import Outcome, StopReason
from abaco.domain.lifecycle import ExecutionStatus
from abaco.ports import Clock, ContainerSink, ContainerSpec, ContainerStartError, Sandbox, Stop
from abaco.runtime.docker.body import Surroundings, container_body
from abaco.runtime.docker.container import Container, End
from abaco.runtime.docker.diagnosis import OutputGate, explained
from abaco.runtime.docker.engine import DockerEngine, EngineError
from abaco.runtime.docker.network import ContainerNetwork
from abaco.runtime.docker.usage import UsageGroup
from abaco.runtime.follow import Follower
from abaco.runtime.listener import SinkListener
from abaco.runtime.overlay import delete_tree
from abaco.runtime.results import ResultSocket
from abaco.runtime.shared import require_no_links

__all__ = ["DockerSandbox", "Terms"]

_KILLED: Final = 137
_CLOSING_SECONDS: Final = 0.05
_NO_LIMIT_OF_DISK: Final = "storage-opt"
"""What an engine names that cannot limit a writable layer: it depends on its storage driver and file system."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for all containers of a server. `disk`: bytes of a writable layer, where the engine limits them."""

    network: ContainerNetwork
    disk: int | None
    docker_socket: Path | None = None


class DockerSandbox(Sandbox):
    """`directory` is for the files of one worker's containers. `group` None: the engine is asked for CPU times."""

    def __init__(
        self,
        engine: DockerEngine,
        image: str,
        digest: str,
        directory: Path,
        terms: Terms,
        labels: Mapping[str, str],
        group: UsageGroup | None,
        clock: Clock,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._engine = engine
        self._image = image
        self._digest = digest
        self._directory = directory
        self._terms = terms
        self._labels = labels
        self._group = group
        self._clock = clock
        self._container: Container | None = None
        self._busy = threading.Lock()
        self._closed = False

    def prepare(self) -> None:
        """Nothing: the engine takes a container's variables when it makes it, and they are the message's."""

    def run(self, spec: ContainerSpec, sink: ContainerSink, stop: Stop) -> Outcome:
        with self._busy, ExitStack() as leave:
            if self._closed:
                raise ContainerStartError("the worker is being stopped")
            results = leave.enter_context(closing(ResultSocket(self._directory / "results.sock")))
            container = self._made(spec, results.path)
            leave.callback(container.close)
            self._container = container
            return self._attend(spec, container, results, sink, stop)

    def close(self) -> None:
        self._closed = True
        while not self._busy.acquire(timeout=_CLOSING_SECONDS):
            container = self._container
            if container is not None:
                container.kill(hard=False)
        try:
            delete_tree(self._directory)
            if self._group is not None:
                self._group.remove()
        finally:
            self._busy.release()

    def _made(self, spec: ContainerSpec, results: Path) -> Container:
        terms, group = self._terms, self._group
        given = Surroundings(
            image=self._image,
            network=terms.network,
            results=results,
            binary=_write_binary(spec, self._directory / "binary"),
            labels=self._labels,
            cgroup_parent=None if group is None else group.path,
            disk=terms.disk,
            docker_socket=terms.docker_socket,
        )
        # The engine looks the path up itself, a moment later: nothing better can be handed to it.
        for one in spec.mounts:
            require_no_links(one)
        try:
            return Container(self._engine, container_body(spec, given), sampled=group is None)
        except EngineError as error:
            if terms.disk is not None and _NO_LIMIT_OF_DISK in str(error):
                self._terms = replace(terms, disk=None)
                return self._made(spec, results)
            raise ContainerStartError(explained(str(error))) from error

    def _attend(
        self, spec: ContainerSpec, container: Container, results: ResultSocket, sink: ContainerSink, stop: Stop
    ) -> Outcome:
        """Start the container, follow it to its end, and say what became of it."""
        gate = OutputGate(sink.output)
        listener = SinkListener(sink, gate.feed, self._clock)
        follower = Follower(container.output, results, listener)
        prepared_at, cpu_before = self._clock.now(), self._cpu(container)
        try:
            container.start()
        except EngineError as error:
            raise ContainerStartError(explained(str(error))) from error
        reason = follower.follow(stop, container, spec.max_run_seconds, spec.stop_grace_seconds)
        finished_at = self._clock.now()
        end = container.end()
        reason, exit_code = _settled(reason, end, gate)
        return Outcome(
            status=ExecutionStatus.COMPLETE,
            reason=reason,
            prepared_at=prepared_at,
            started_at=end.started_at,
            first_output_at=listener.spoke_at,
            finished_at=finished_at,
            exit_code=exit_code,
            cpu=self._cpu(container) - cpu_before,
            image_digest=self._digest,
        )

    def _cpu(self, container: Container) -> int:
        return container.cpu_nanoseconds if self._group is None else self._group.cpu_nanoseconds()


def _settled(reason: StopReason, end: End, gate: OutputGate) -> tuple[StopReason, int]:
    """Why it ended and its exit code. Raises ContainerStartError if its program was never executed."""
    failure = gate.failure(end.exit_code)
    if failure and reason is StopReason.EXITED:
        raise ContainerStartError(failure, by_output=True)
    if failure:
        return reason, _KILLED  # on its way up
    gate.settle()
    if reason is StopReason.EXITED and end.out_of_memory and end.exit_code == _KILLED:
        reason = StopReason.OUT_OF_MEMORY
    return reason, end.exit_code


def _write_binary(spec: ContainerSpec, path: Path) -> Path | None:
    path.unlink(missing_ok=True)
    if spec.binary is None:
        return None
    with path.open("xb") as file:
        for chunk in spec.binary():
            file.write(chunk)
    path.chmod(0o444)
    return path
