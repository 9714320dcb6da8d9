"""Containers by crun: one `crun run` for each execution, in the sandbox of its worker."""

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

from abaco.ports import Clock, PreparedImage, Runtime
from abaco.runtime.cgroup import ControlGroups, instance_name
from abaco.runtime.cgroup_v1 import ControlGroupsV1
from abaco.runtime.cgroup_v2 import ControlGroupsV2
from abaco.runtime.kernel import MNT_DETACH, umount
from abaco.runtime.overlay import delete_tree
from abaco.runtime.program import CrunProgram
from abaco.runtime.sandbox import CrunSandbox
from abaco.runtime.spec import Network
from abaco.runtime.unavailable import RuntimeUnavailable

__all__ = ["CrunRuntime", "control_groups"]

_CONTROL_GROUPS: Final = Path("/sys/fs/cgroup")


class CrunRuntime(Runtime):
    """Runs containers for the server that keeps its data in `data`.

    One process at a time may use a data directory: `clean` takes all it finds there for its predecessor's.
    The process has entered its private mounts (`kernel.enter_private_mounts`) and is root.
    Raises RuntimeUnavailable if this machine lacks what it takes.
    """

    def __init__(self, data: Path, clock: Clock, network: Network = "host") -> None:
        self._crun = CrunProgram(_require_crun(), data / "run" / "crun")
        self._state = data / "run" / "crun"
        self._sandboxes = data / "run" / "sandboxes"
        self._clock = clock
        self._network: Network = network
        self._groups = control_groups(_CONTROL_GROUPS, instance_name(data))
        self._groups.prepare()
        self._make_directories()

    def sandbox(self, worker_id: str, image: PreparedImage) -> CrunSandbox:
        if not (worker_id.isascii() and worker_id.isalnum()):
            raise ValueError(f"not an id: {worker_id!r}")
        directory, group = self._sandboxes / worker_id, self._groups.group(worker_id)
        return CrunSandbox(self._crun, image, directory, group, self._clock, self._network)

    def clean(self) -> int:
        alive = 0
        for group in self._groups.existing():
            alive += group.kill_all()
            # What cannot be removed is empty and in nobody's way: workers' ids do not come again.
            with suppress(OSError):
                group.remove()
        for directory in self._sandboxes.iterdir():
            with suppress(OSError):
                umount(directory / "rootfs", MNT_DETACH)
            delete_tree(directory)
        delete_tree(self._state)
        self._make_directories()
        return alive

    def _make_directories(self) -> None:
        for directory in (self._state, self._sandboxes):
            directory.mkdir(parents=True, exist_ok=True)
        # Messages and results lie in it while they are under way.
        self._sandboxes.parent.chmod(0o700)


def control_groups(root: Path, instance: str) -> ControlGroups:
    """The control groups of this machine, in the version it has."""
    unified = (root / "cgroup.controllers").exists()
    return ControlGroupsV2(root, instance) if unified else ControlGroupsV1(root, instance)


def _require_crun() -> str:
    if os.geteuid() != 0:
        raise RuntimeUnavailable("Abaco must be root to run containers with crun: start its engine as root.")
    path = shutil.which("crun")
    if path is None:
        raise RuntimeUnavailable("Abaco runs containers with crun, which is not installed: apt-get install crun.")
    return path
