"""Control groups, version 1: a hierarchy for each controller."""

import errno
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from abaco.runtime.cgroup import PERIOD_MICROSECONDS, ControlGroup, ControlGroups, Limits, quota, read_counter
from abaco.runtime.kernel import KernelFile
from abaco.runtime.unavailable import RuntimeUnavailable

__all__ = ["ControlGroupV1", "ControlGroupsV1"]

CONTROLLERS: Final = ("memory", "cpu", "cpuacct", "pids")
_CPU_SHARES: Final = 256  # a quarter of the default


class ControlGroupV1(ControlGroup):
    """A worker's group in the hierarchies of memory, cpu, cpuacct and pids."""

    def __init__(self, by_controller: Mapping[str, Path]) -> None:
        # Hierarchies may be mounted together (cpu,cpuacct): then two controllers share a directory.
        self._usage = KernelFile(by_controller["cpuacct"] / "cpuacct.usage")
        self._deaths = KernelFile(by_controller["memory"] / "memory.oom_control")
        super().__init__(tuple(dict.fromkeys(by_controller.values())), (self._usage, self._deaths))
        self._memory = by_controller["memory"]
        self._cpu = by_controller["cpu"]
        self._pids = by_controller["pids"]

    def _apply(self, limits: Limits) -> None:
        self._limit_memory(limits.memory)
        (self._cpu / "cpu.cfs_period_us").write_text(str(PERIOD_MICROSECONDS))
        (self._cpu / "cpu.cfs_quota_us").write_text("-1" if limits.cpus is None else str(quota(limits.cpus)))
        (self._pids / "pids.max").write_text("max" if limits.pids is None else str(limits.pids))

    def cpu_nanoseconds(self) -> int:
        return int(self._usage.read())

    def oom_kills(self) -> int:
        return read_counter(self._deaths, "oom_kill")

    def _limit_memory(self, memory: int | None) -> None:
        """Memory with swap may never be limited lower than memory alone: out of the way first, in place last."""
        with_swap = self._memory / "memory.memsw.limit_in_bytes"
        swap_is_counted = with_swap.exists()
        if swap_is_counted:
            with_swap.write_text("-1")
        self._write_memory_limit("-1" if memory is None else str(memory))
        if swap_is_counted and memory is not None:
            with_swap.write_text(str(memory))

    def _write_memory_limit(self, text: str) -> None:
        file = self._memory / "memory.limit_in_bytes"
        try:
            file.write_text(text)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            # The file cache of a former container is still charged to the group.
            (self._memory / "memory.force_empty").write_text("0")
            file.write_text(text)


class ControlGroupsV1(ControlGroups):
    """The groups of one server below ``<root>/<controller>/abaco``."""

    def __init__(self, root: Path, instance: str) -> None:
        missing = [name for name in CONTROLLERS if not (root / name).is_dir()]
        if missing:
            raise RuntimeUnavailable(f"Abaco needs the control group controllers {missing} mounted below {root}.")
        self._roots = {name: (root / name).resolve() for name in CONTROLLERS}
        self._instance = instance
        super().__init__(tuple(dict.fromkeys(self._roots.values())), instance)

    def prepare(self) -> None:
        self._make_parents()
        (self._roots["cpu"] / "abaco" / "cpu.shares").write_text(str(_CPU_SHARES))

    def group(self, worker_id: str) -> ControlGroupV1:
        return ControlGroupV1(
            {name: root / "abaco" / self._instance / worker_id for name, root in self._roots.items()},
        )
