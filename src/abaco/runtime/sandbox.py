"""What a worker runs its containers in, one at a time; the next one waits ready while there is none."""

import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from datetime import datetime
from operator import attrgetter
from pathlib import Path
from typing import Any

from abaco.domain.execution import Outcome, StopReason
from abaco.domain.lifecycle import ExecutionStatus
from abaco.ports import Clock, ContainerSink, ContainerSpec, ContainerStartError, PreparedImage, Sandbox, Stop
from abaco.runtime.accounts import Account, account
from abaco.runtime.cdi import device_edits, read_cdi_files
from abaco.runtime.cgroup import ControlGroup, Limits
from abaco.runtime.container import Container
from abaco.runtime.diagnosis import OutputGate
from abaco.runtime.follow import Follower, Served
from abaco.runtime.isolation import Cell, Isolation
from abaco.runtime.listener import SinkListener
from abaco.runtime.program import CrunProgram
from abaco.runtime.spec import Surroundings, runtime_spec

__all__ = ["CrunSandbox"]

_KILLED = 137
_CLOSING_SECONDS = 0.05


class CrunSandbox(Sandbox):
    """`directory` is for what lies on disk, `bundles` for what lies in memory, both named after the worker.

    Raises RuntimeUnavailable or OSError if this machine cannot isolate it.
    """

    def __init__(
        self,
        crun: CrunProgram,
        image: PreparedImage,
        directory: Path,
        bundles: Path,
        group: ControlGroup,
        clock: Clock,
        isolation: Isolation,
        etc: dict[str, Path],
    ) -> None:
        self._crun = crun
        self._image = image
        self._bundle = bundles / directory.name
        self._group = group
        self._clock = clock
        self._isolation = isolation
        self._etc = etc
        self._cell = Cell(isolation, image, directory)
        self._waiting: Container | None = None
        self._mapped = isolation.maps_users
        self._used: Container | None = None
        self._used_for: object = None
        self._busy = threading.Lock()
        self._closed = False

    def prepare(self) -> None:
        with self._busy:
            if not self._closed and not self._is_serving():
                self._clear()
                self._await(mapped=self._mapped)

    def run(self, spec: ContainerSpec, sink: ContainerSink, stop: Stop) -> Outcome:
        with self._busy:
            if self._closed:
                raise ContainerStartError("the worker is being stopped")
            container = self._serving_one(spec)
            if container is not None:
                with suppress(_NotTakenError):
                    return self._attend(spec, container, None, sink, stop)
            self._clear()
            self._mapped = self._cell.is_mapped(spec)
            container = self._await(mapped=self._mapped)
            self._waiting, self._used, self._used_for = None, container, _lasting(spec)
            self._group.limit(_limits(spec))
            return self._attend(spec, container, self._spec(spec, container), sink, stop)

    def close(self) -> None:
        self._closed = True
        while not self._busy.acquire(timeout=_CLOSING_SECONDS):
            self._group.kill()
        try:
            self._clear()
            if self._waiting is not None:
                self._waiting.close()
            self._group.remove()
            self._cell.close()
        finally:
            self._busy.release()

    def _is_serving(self) -> bool:
        """Whether the container of the last run has stayed, and waits for more."""
        used = self._used
        return (
            used is not None and used.serving is not None and used.serving.is_quiet() and not used.keeper.ends_within(0)
        )

    def _serving_one(self, spec: ContainerSpec) -> Container | None:
        """The container that has stayed, if it is as this one is to be; it has the binary data then."""
        used = self._used
        if used is None or not self._is_serving() or self._used_for != _lasting(spec):
            return None
        if spec.binary is not None:
            try:
                _write_binary(spec, used)
            except OSError:  # it has filled its disk
                return None
        return used

    def _await(self, *, mapped: bool) -> Container:
        """The container that waits; one is made if there is none of the kind."""
        waiting = self._waiting
        if waiting is not None and (waiting.mapped != mapped or waiting.keeper.ends_within(0)):
            waiting.close()
            waiting = self._waiting = None
        if waiting is None:
            overlay = self._cell.overlay(mapped=mapped)
            waiting = self._waiting = Container(self._crun, self._bundle, overlay, self._group, mapped=mapped)
        return waiting

    def _clear(self) -> None:
        """Nothing of a container may reach into the next one."""
        used, self._used = self._used, None
        if used is not None:
            used.close()

    def _spec(self, spec: ContainerSpec, container: Container) -> Mapping[str, Any]:
        config = self._image.config
        runs_as = account(self._image.rootfs, spec.user, str(config.get("User") or ""))
        if self._isolation.rootless:
            runs_as = Account(0, 0, runs_as.home)  # there is nobody else
        given = Surroundings(
            root=container.root,
            results=container.results.path,
            network=self._cell.network(),
            users=self._cell.users(mapped=container.mapped),
            seccomp=self._isolation.seccomp,
            etc=self._etc | self._own_etc(spec.execution_id, container),
            binary=_write_binary(spec, container),
            serve=container.serve().path if spec.warm else None,
            docker_socket=self._isolation.docker_socket if spec.privileged else None,
            process_limits=self._group.process_limits(),
        )
        told = runtime_spec(config, replace(spec, mounts=container.share(spec.mounts)), runs_as, given)
        if spec.devices:
            device_edits(spec.devices, read_cdi_files()).apply(told)
        return told

    def _own_etc(self, name: str, container: Container) -> dict[str, Path]:
        """The files that have the container's name in them, which it looks up as any other."""
        texts = {"hostname": f"{name}\n", "hosts": f"{self._isolation.hosts}127.0.0.1 {name}\n"}
        return {file: container.file(file, text) for file, text in texts.items()}

    def _attend(
        self,
        spec: ContainerSpec,
        container: Container,
        bundle: Mapping[str, Any] | None,
        sink: ContainerSink,
        stop: Stop,
    ) -> Outcome:
        """Start the container, unless it serves already, follow it to its end, and say what became of it.

        Raises _NotTakenError if one that serves left without the message.
        """
        gate = container.gate(sink)
        if bundle is None:
            gate.release()
        listener = SinkListener(sink, gate.feed, self._clock)
        follower = Follower(container.output, container.results, listener, _served(spec, container))
        stays = False
        try:
            before = self._usage()
            if bundle is not None:
                container.start(bundle)
            started_at = self._clock.now()
            reason = follower.follow(stop, container.keeper, spec.max_run_seconds, spec.stop_grace_seconds)
            stays = follower.exit_code is not None and reason is StopReason.EXITED
        finally:
            ended_with = None if stays else container.end()
        if follower.refused and reason is StopReason.EXITED:
            raise _NotTakenError
        exit_code = ended_with if follower.exit_code is None else follower.exit_code
        assert exit_code is not None  # noqa: S101 - it has ended, or has said it
        return self._settle(_Run(reason, exit_code, started_at, listener.spoke_at, stays), gate, before)

    def _settle(self, run: "_Run", gate: OutputGate, before: "_Usage") -> Outcome:
        exit_code, reason = run.exit_code, run.reason
        after = self._usage()
        failure = gate.failure(exit_code)
        if reason is StopReason.EXITED and after.oom_kills > before.oom_kills and (failure or exit_code == _KILLED):
            reason = StopReason.OUT_OF_MEMORY
        if failure and reason is StopReason.EXITED:
            raise failure
        if failure:
            exit_code = _KILLED  # on its way up, before crun could see its program start
        else:
            gate.settle()
        return Outcome(
            status=ExecutionStatus.COMPLETE,
            reason=reason,
            prepared_at=before.at,
            started_at=run.started_at,
            first_output_at=run.spoke_at,
            finished_at=after.at,
            exit_code=exit_code,
            cpu=after.cpu - before.cpu,
            io=after.received - before.received,
            image_digest=self._image.digest,
            stays=run.stays,
        )

    def _usage(self) -> "_Usage":
        received = self._cell.received_bytes()
        return _Usage(self._clock.now(), self._group.cpu_nanoseconds(), self._group.oom_kills(), received)


class _NotTakenError(Exception):
    """A program that had stayed did not take its next message."""


@dataclass(frozen=True, slots=True)
class _Run:
    reason: StopReason
    exit_code: int
    started_at: datetime
    spoke_at: datetime | None
    stays: bool


@dataclass(frozen=True, slots=True)
class _Usage:
    at: datetime
    cpu: int
    oom_kills: int
    received: int


_OF_A_MESSAGE = {"execution_id", "environment", "binary", "max_run_seconds"}
_lasting = attrgetter(*(field.name for field in fields(ContainerSpec) if field.name not in _OF_A_MESSAGE))
"""What of a specification stays the same for all messages that one container serves."""


def _served(spec: ContainerSpec, container: Container) -> Served | None:
    if container.serving is None:
        return None
    return Served(container.serving, spec.execution_id, spec.environment, spec.binary is not None)


def _write_binary(spec: ContainerSpec, container: Container) -> Path | None:
    """The file of binary data; a warm container has one from the start, that the next message's can be written to."""
    path = container.layer / "binary"
    if spec.binary is None and not spec.warm:
        return None
    with path.open("wb") as file:
        for chunk in spec.binary() if spec.binary else ():
            file.write(chunk)
    path.chmod(0o444)
    return path


def _limits(spec: ContainerSpec) -> Limits:
    # crun itself is one more process in the group.
    return Limits(spec.memory, spec.cpus, None if spec.pids is None else spec.pids + 1)
