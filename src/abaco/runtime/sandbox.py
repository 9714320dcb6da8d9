"""What a worker runs its containers in, one at a time: an image, a directory for bundles, a control group."""

import json
import threading
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, cast

from abaco.domain.execution import Outcome, StopReason
from abaco.domain.lifecycle import ExecutionStatus
from abaco.ports import Clock, ContainerSink, ContainerSpec, ContainerStartError, PreparedImage, Sandbox, Stop
from abaco.runtime.accounts import account_of, image_account
from abaco.runtime.cgroup import ControlGroup, Limits
from abaco.runtime.diagnosis import OutputGate, explained
from abaco.runtime.follow import Follower
from abaco.runtime.keeper import CrunKeeper
from abaco.runtime.overlay import Layer, Overlay, delete_tree
from abaco.runtime.program import CrunProgram
from abaco.runtime.results import MAX_RESULT_BYTES, ResultSocket
from abaco.runtime.spec import Files, Network, runtime_spec

__all__ = ["CrunSandbox"]

_KILLED = 137
_LOG = "crun.log"
_CLOSING_SECONDS = 0.05


class CrunSandbox(Sandbox):
    """A sandbox with a directory and a control group of its own."""

    def __init__(
        self,
        crun: CrunProgram,
        image: PreparedImage,
        directory: Path,
        group: ControlGroup,
        clock: Clock,
        network: Network,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._crun = crun
        self._image = image
        self._directory = directory
        # Not the execution's id: a second attempt may start elsewhere while the first is still being killed.
        self._identity = directory.name
        self._group = group
        self._clock = clock
        self._network: Network = network
        self._overlay = Overlay(image.rootfs, directory)
        self._busy = threading.Lock()
        self._closed = False

    def run(self, spec: ContainerSpec, sink: ContainerSink, stop: Stop) -> Outcome:
        with self._busy, ExitStack() as leave:
            if self._closed:
                raise ContainerStartError("the worker is being stopped")
            layer = leave.enter_context(self._overlay)
            results = leave.enter_context(closing(ResultSocket(layer.bundle / "results.sock")))
            leave.callback(self._clear)
            self._write_bundle(spec, layer, results.path)
            self._group.limit(_limits(spec))
            return self._attend(spec, layer.bundle, results, sink, stop)

    def close(self) -> None:
        self._closed = True
        while not self._busy.acquire(timeout=_CLOSING_SECONDS):
            self._group.kill()
        try:
            self._group.remove()
            self._overlay.discard()
            delete_tree(self._directory)
        finally:
            self._busy.release()

    def _write_bundle(self, spec: ContainerSpec, layer: Layer, results: Path) -> None:
        """Write what crun is to read: a new file is cheaper than an old one, which ext4 writes to disk at once."""
        config, rootfs = self._image.config, self._image.rootfs
        account = account_of(rootfs, *spec.user) if spec.user else image_account(rootfs, str(config.get("User") or ""))
        files = Files(layer.root, results, _write_binary(spec, layer.bundle / "binary"), self._network)
        text = json.dumps(runtime_spec(config, spec, account, files), ensure_ascii=False)
        (layer.bundle / "config.json").write_text(text, encoding="utf-8", errors="replace")
        (layer.bundle / _LOG).touch()

    def _attend(
        self,
        spec: ContainerSpec,
        bundle: Path,
        results: ResultSocket,
        sink: ContainerSink,
        stop: Stop,
    ) -> Outcome:
        """Start the container, follow it to its end, and say what became of it."""
        before = self._usage()
        process = self._crun.run(self._identity, bundle, bundle / _LOG, self._group.directories)
        keeper = CrunKeeper(self._crun, self._group, self._identity, process)
        gate = OutputGate(bundle / _LOG, keeper.ends_within, sink.output)
        try:
            follower = Follower(cast("IO[bytes]", process.stdout), results, _Listener(sink, gate))
            reason = follower.follow(stop, keeper, spec.max_run_seconds, spec.stop_grace_seconds)
        finally:
            keeper.dismiss()
        return self._settle(reason, process.returncode, gate, before)

    def _settle(self, reason: StopReason, returncode: int, gate: OutputGate, before: "_Usage") -> Outcome:
        exit_code = returncode if returncode >= 0 else 128 - returncode
        after = self._usage()
        failure = gate.failure(exit_code)
        if reason is StopReason.EXITED and after.oom_kills > before.oom_kills and (failure or exit_code == _KILLED):
            reason = StopReason.OUT_OF_MEMORY
        if failure and reason is StopReason.EXITED:
            raise ContainerStartError(explained(failure))
        if failure:
            exit_code = _KILLED  # on its way up, before crun could see its program start
        else:
            gate.settle()
        return Outcome(
            status=ExecutionStatus.COMPLETE,
            reason=reason,
            started_at=before.at,
            finished_at=after.at,
            exit_code=exit_code,
            cpu=after.cpu - before.cpu,
            image_digest=self._image.digest,
        )

    def _usage(self) -> "_Usage":
        return _Usage(self._clock.now(), self._group.cpu_nanoseconds(), self._group.oom_kills())

    def _clear(self) -> None:
        """Nothing of a container may reach into the next one."""
        self._group.kill_all()
        self._crun.forget(self._identity)


@dataclass(frozen=True, slots=True)
class _Usage:
    at: datetime
    cpu: int
    oom_kills: int


class _Listener:
    """Brings a container's words to its sink, and adds ours where a result is lost."""

    def __init__(self, sink: ContainerSink, gate: OutputGate) -> None:
        self.output = gate.feed
        self.result = sink.result
        self._sink = sink

    def dropped(self, size: int) -> None:
        note = f"Abaco: a result of {size} bytes was dropped; a result may have at most {MAX_RESULT_BYTES} bytes.\n"
        self._sink.output(note.encode())


def _write_binary(spec: ContainerSpec, path: Path) -> Path | None:
    if spec.binary is None:
        return None
    with path.open("xb") as file:
        for chunk in spec.binary():
            file.write(chunk)
    path.chmod(0o444)
    return path


def _limits(spec: ContainerSpec) -> Limits:
    # crun itself is one more process in the group.
    return Limits(spec.memory, spec.cpus, None if spec.pids is None else spec.pids + 1)
