"""Containers by crun: one `crun run` for each execution, in the sandbox of its worker."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from abaco.ports import Clock, PreparedImage, Runtime
from abaco.runtime.cgroup import ControlGroups, instance_name
from abaco.runtime.cgroup_v1 import ControlGroupsV1
from abaco.runtime.cgroup_v2 import ControlGroupsV2
from abaco.runtime.isolation import Isolation
from abaco.runtime.kernel import MNT_DETACH, MS_BIND, MS_NODEV, MS_NOSUID, mount, umount
from abaco.runtime.overlay import delete_tree
from abaco.runtime.process_tree import ProcessTrees
from abaco.runtime.program import CrunProgram
from abaco.runtime.sandbox import CrunSandbox
from abaco.runtime.unavailable import RuntimeUnavailable

__all__ = ["CrunRuntime", "control_groups", "require_crun"]

_CONTROL_GROUPS: Final = Path("/sys/fs/cgroup")
_PLACES: Final = Path("/run/abaco")
"""Where everybody may pass through, which data directories are not for."""
_MEMORY_SIZE: Final = "512m"
"""Room for what crun is to read and keeps of the containers that run: some ten kilobytes for each."""


class CrunRuntime(Runtime):
    """Runs containers for the server that keeps its data in `data`.

    One process at a time may use a data directory: `clean` takes all it finds there for its predecessor's.
    The process has entered its private mounts (`kernel.enter_private_mounts`) and is root, or has become it
    (`rootless.become_root`) and `isolation` says so.
    Raises RuntimeUnavailable if this machine lacks what it takes.
    """

    def __init__(self, data: Path, clock: Clock, isolation: Isolation) -> None:
        places = data / "run" / "places" if isolation.rootless else _PLACES
        self._place = places / instance_name(data)
        self._crun = CrunProgram(require_crun(), self._place / "state")
        self._bundles = self._place / "bundles"
        self._sandboxes = self._place / "sandboxes"
        self._disks = data / "run" / "sandboxes"
        self._clock = clock
        self._isolation = isolation
        self._groups: ControlGroups
        if isolation.rootless:
            self._groups = ProcessTrees()
        else:
            self._groups = control_groups(_CONTROL_GROUPS, instance_name(data))
        self._groups.prepare()
        self._make_directories()

    def sandbox(self, worker_id: str, image: PreparedImage) -> CrunSandbox:
        if not (worker_id.isascii() and worker_id.isalnum()):
            raise ValueError(f"not an id: {worker_id!r}")
        directory, group = self._sandboxes / worker_id, self._groups.group(worker_id)
        return CrunSandbox(self._crun, image, directory, self._bundles, group, self._clock, self._isolation, self._etc)

    def clean(self, tell: Callable[[str], object] = str) -> int:
        alive = 0
        for group in self._groups.existing():
            try:
                alive += group.kill_all()
            except TimeoutError as error:
                tell(str(error))
                continue
            # What cannot be removed is empty and in nobody's way: workers' ids do not come again.
            with suppress(OSError):
                group.remove()
        for directory in self._sandboxes.iterdir():
            # Mounts are this process's own: there are some only if it has had a runtime before.
            for place in directory.iterdir():
                with suppress(OSError):
                    umount(place, MNT_DETACH)
            delete_tree(directory)
        self._make_directories()
        return alive

    def close(self) -> None:
        """Leave nothing behind on the machine, once all sandboxes are closed; what is still there stays."""
        self._groups.close()
        with suppress(OSError):
            umount(self._place, MNT_DETACH)
            self._place.rmdir()

    def _make_directories(self) -> None:
        """A place in memory, since most of it lives for milliseconds, and in it the data directory's disk."""
        for directory in (self._place, self._disks):
            directory.mkdir(parents=True, exist_ok=True)
        if self._place.is_mount():
            umount(self._place, MNT_DETACH)
        # This process's mounts are its own: nobody else sees what lies in there.
        mount("tmpfs", self._place, "tmpfs", MS_NOSUID | MS_NODEV, f"mode=711,size={_MEMORY_SIZE}")
        etc = self._place / "etc"
        for directory in (self._bundles, self._sandboxes, etc):
            directory.mkdir()
        mount(str(self._disks), self._sandboxes, "none", MS_BIND, "")
        # Root of a container, who is nobody here, passes through on the way to its own files.
        for directory in (self._bundles, self._sandboxes, etc):
            directory.chmod(0o711)
        self._etc = {name: etc / name for name in self._isolation.etc}
        for name, file in self._etc.items():
            file.write_text(self._isolation.etc[name])
            file.chmod(0o644)


def control_groups(root: Path, instance: str) -> ControlGroups:
    """The control groups of this machine, in the version it has."""
    unified = (root / "cgroup.controllers").exists()
    return ControlGroupsV2(root, instance) if unified else ControlGroupsV1(root, instance)


def require_crun() -> str:
    path = shutil.which("crun")
    if path is None:
        raise RuntimeUnavailable("Abaco runs containers with crun, which is not installed: apt-get install crun.")
    return path
