"""How much CPU time the containers of a worker have used.

Where the engine makes control groups itself, a worker's containers get a parent of their own: what they use is counted
there, and stays when they are gone. Where it leaves that to systemd, the engine is asked now and then.
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

__all__ = ["UsageGroup", "UsageGroups"]

_ROOT: Final = Path("/sys/fs/cgroup")
_NANOSECONDS: Final = 1000  # in a microsecond
_TOP: Final = "abaco"


class UsageGroups:
    """Those of one server, `instance`, below `root`."""

    def __init__(self, instance: str, root: Path = _ROOT) -> None:
        self._instance = instance
        self._root = root

    @staticmethod
    def are_kept(engine: Mapping[str, Any]) -> bool:
        """Whether the engine, which describes itself so, takes parents."""
        return engine.get("CgroupDriver") == "cgroupfs"

    def group(self, worker_id: str) -> "UsageGroup":
        return UsageGroup(f"/{_TOP}/{self._instance}/{worker_id}", self._root)

    def remove(self) -> None:
        """All of them, of former processes too."""
        for name in (f"{_TOP}/{self._instance}/*", f"{_TOP}/{self._instance}"):
            _remove(self._root, name)


class UsageGroup:
    """One worker's; `path` is what the engine is told."""

    def __init__(self, path: str, root: Path) -> None:
        self.path = path
        self._root = root

    def cpu_nanoseconds(self) -> int:
        """Since it was made; 0 before that."""
        name = self.path.lstrip("/")
        with suppress(FileNotFoundError):
            return int((self._root / "cpuacct" / name / "cpuacct.usage").read_text())
        with suppress(FileNotFoundError):
            words = (self._root / name / "cpu.stat").read_text().split()
            return int(words[words.index("usage_usec") + 1]) * _NANOSECONDS
        return 0

    def remove(self) -> None:
        """Only root can, once no container is in it; whatever stays is empty, and in nobody's way."""
        _remove(self._root, self.path.lstrip("/"))


def _remove(root: Path, name: str) -> None:
    """From each hierarchy: the engine makes it in all there are."""
    for place in (*root.glob(name), *root.glob(f"*/{name}")):
        with suppress(OSError):
            place.rmdir()
