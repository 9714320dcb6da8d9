"""Control groups, version 2: one hierarchy for all controllers."""

from pathlib import Path
from typing import Final

from abaco.runtime.cgroup import PERIOD_MICROSECONDS, ControlGroup, ControlGroups, Limits, quota, read_counter
from abaco.runtime.kernel import KernelFile
from abaco.runtime.unavailable import RuntimeUnavailable

__all__ = ["ControlGroupV2", "ControlGroupsV2"]

_CONTROLLERS: Final = "+memory +cpu +pids"
_CPU_WEIGHT: Final = 25  # a quarter of the default


class ControlGroupV2(ControlGroup):
    """A worker's group."""

    def __init__(self, directory: Path) -> None:
        self._usage = KernelFile(directory / "cpu.stat")
        self._deaths = KernelFile(directory / "memory.events")
        super().__init__([directory], (self._usage, self._deaths))
        self._directory = directory

    def _apply(self, limits: Limits) -> None:
        memory = "max" if limits.memory is None else str(limits.memory)
        cpu = "max" if limits.cpus is None else str(quota(limits.cpus))
        self._write("memory.max", memory)
        if (self._directory / "memory.swap.max").exists():
            self._write("memory.swap.max", "max" if limits.memory is None else "0")
        self._write("cpu.max", f"{cpu} {PERIOD_MICROSECONDS}")
        self._write("pids.max", "max" if limits.pids is None else str(limits.pids))

    def cpu_nanoseconds(self) -> int:
        return read_counter(self._usage, "usage_usec") * 1000

    def oom_kills(self) -> int:
        return read_counter(self._deaths, "oom_kill")

    def kill(self, *, spare: int | None = None) -> bool:
        """As in version 1; with nothing to spare the kernel kills all at once, before any can fork."""
        kill_file = self._directory / "cgroup.kill"
        if spare is not None or not kill_file.exists():
            return super().kill(spare=spare)
        found = bool(self.pids())
        if found:
            kill_file.write_text("1")
        return found

    def _write(self, name: str, value: str) -> None:
        (self._directory / name).write_text(value)


class ControlGroupsV2(ControlGroups):
    """The groups of one server below ``<root>/abaco``."""

    def __init__(self, root: Path, instance: str) -> None:
        self._root = root
        super().__init__([root], instance)

    def prepare(self) -> None:
        self._make_parents()
        for directory in (self._root, *self._tops, *self._bases):
            self._pass_controllers_on(directory)
        (self._tops[0] / "cpu.weight").write_text(str(_CPU_WEIGHT))

    def group(self, worker_id: str) -> ControlGroupV2:
        return ControlGroupV2(self._bases[0] / worker_id)

    def _pass_controllers_on(self, directory: Path) -> None:
        try:
            (directory / "cgroup.subtree_control").write_text(_CONTROLLERS)
        except OSError as error:
            raise RuntimeUnavailable(
                f"Abaco cannot hand the memory, cpu and pids controllers down from {directory} ({error.strerror}): "
                "run it as root and in the root control group, not inside another container.",
            ) from error
