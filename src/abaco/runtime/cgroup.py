"""Control groups: one for each worker, made by us and entered by crun, which manages none itself (saves 5 ms).

They are at ``abaco/<instance>/<worker>``; `instance` keeps servers with different data directories apart.
"""

import hashlib
import os
import resource
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from abaco.runtime.kernel import KernelFile
from abaco.runtime.unavailable import RuntimeUnavailable

__all__ = ["PERIOD_MICROSECONDS", "ControlGroup", "ControlGroups", "Limits", "instance_name", "quota", "read_counter"]

PERIOD_MICROSECONDS: Final = 100_000
_MINIMAL_QUOTA: Final = 1_000  # the kernel's own minimum
_PATIENCE_SECONDS: Final = 5.0
_OPEN_FILES: Final = 1024
"""Which a program may raise as far as this process may: the engine has more, and programs of old count on no more."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Memory in bytes, `cpus` in CPUs; None is no limit."""

    memory: int | None = None
    cpus: float | None = None
    pids: int | None = None


class ControlGroup(ABC):
    """The group of one worker: one directory in each hierarchy."""

    def __init__(self, directories: Sequence[Path], counters: Sequence[KernelFile] = ()) -> None:
        self.directories = tuple(directories)
        self._counters = counters
        self._limits: Limits | None = None  # not known: the group may be a former process's
        for directory in self.directories:
            directory.mkdir(parents=True, exist_ok=True)

    def limit(self, limits: Limits) -> None:
        """See to it that `limits` hold; a limit that is None undoes a former one."""
        if limits != self._limits:
            self._limits = None
            self._apply(limits)
            self._limits = limits

    @abstractmethod
    def _apply(self, limits: Limits) -> None:
        """Write `limits` to the kernel."""

    def take_in(self, pid: int) -> None:
        """Move a process into the group, and with it whatever it starts from now on."""
        for directory in self.directories:
            (directory / "cgroup.procs").write_text(str(pid))

    def let_go(self, pid: int, cpu_seconds: float) -> None:  # noqa: B027 - the kernel counts for others
        """A process that was taken in has ended; with all that it waited for it used so much CPU time."""

    def process_limits(self) -> Sequence[Mapping[str, Any]]:
        """What of the limits each process has to keep by itself, as runtime specifications say it."""
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        return [{"type": "RLIMIT_NOFILE", "soft": min(_OPEN_FILES, most), "hard": most}]

    @abstractmethod
    def cpu_nanoseconds(self) -> int:
        """CPU time used in this group since it was made."""

    @abstractmethod
    def oom_kills(self) -> int:
        """How many processes of this group the kernel has killed for want of memory."""

    def pids(self) -> set[int]:
        """The processes in the group. In any of its hierarchies: one may be on its way in."""
        return {pid for directory in self.directories for pid in _pids(directory)}

    def kill(self, *, spare: int | None = None) -> bool:
        """Send SIGKILL to every process but `spare`, once; whether there was any."""
        targets = self.pids() - {spare}
        for pid in targets:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return bool(targets)

    def kill_all(self, patience_seconds: float = _PATIENCE_SECONDS) -> bool:
        """Kill until the group is empty; whether any process was found. Raises TimeoutError if some will not die."""
        found = False
        for _ in _attempts(patience_seconds):
            if not self.kill():
                return found
            found = True
        raise TimeoutError(f"processes {sorted(self.pids())} in {self.directories[0]} do not end")

    def remove(self, patience_seconds: float = _PATIENCE_SECONDS) -> None:
        """Kill what is left and remove the group. Raises OSError if the kernel keeps it busy."""
        for file in self._counters:
            file.close()
        self.kill_all(patience_seconds)
        for directory in self.directories:
            _remove(directory, patience_seconds)


class ControlGroups(ABC):
    """The groups of one server, below one directory in each hierarchy."""

    def __init__(self, roots: Sequence[Path], instance: str) -> None:
        self._tops = [root / "abaco" for root in roots]
        self._bases = [top / instance for top in self._tops]

    @abstractmethod
    def prepare(self) -> None:
        """Make the parents of all groups. Containers get little weight, so that API and engine stay responsive."""

    @abstractmethod
    def group(self, worker_id: str) -> ControlGroup:
        """The group of one worker, made if it is not there."""

    def existing(self) -> Iterator[ControlGroup]:
        """The groups that are there now, be they ours or those of a former process."""
        names = {path.name for base in self._bases if base.is_dir() for path in base.iterdir() if path.is_dir()}
        return map(self.group, sorted(names))

    def close(self) -> None:
        """Remove what `prepare` made for this server, unless something of it is left."""
        for base in self._bases:
            with suppress(OSError):
                base.rmdir()

    def _make_parents(self) -> None:
        for base in self._bases:
            try:
                base.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise RuntimeUnavailable(
                    f"Abaco cannot make control groups in {base.parent.parent} ({error.strerror}): "
                    "run it as root, where /sys/fs/cgroup is writable.",
                ) from error


def instance_name(directory: Path) -> str:
    """A short name for the server that keeps its data in `directory`."""
    return hashlib.sha256(os.fsencode(directory.resolve())).hexdigest()[:12]


def quota(cpus: float) -> int:
    """Microseconds of CPU time in each period."""
    return max(_MINIMAL_QUOTA, round(cpus * PERIOD_MICROSECONDS))


def read_counter(file: KernelFile, name: str) -> int:
    """The number behind `name` in a file of ``name number`` lines; 0 if it is not there."""
    for line in file.read().decode().splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return int(value)
    return 0


def _pids(directory: Path) -> list[int]:
    try:
        return [int(line) for line in (directory / "cgroup.procs").read_text().split()]
    except FileNotFoundError:
        return []


def _remove(directory: Path, patience_seconds: float) -> None:
    # A group stays busy for a moment after its last process has died.
    failure: OSError | None = None
    for _ in _attempts(patience_seconds):
        try:
            directory.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            failure = error
        else:
            return
    if failure:
        raise failure


def _attempts(patience_seconds: float) -> Iterator[None]:
    """Yield at growing intervals until patience ends: the kernel has no event to wait for here."""
    deadline = time.monotonic() + patience_seconds
    pause = 0.0005
    while True:
        yield
        if time.monotonic() >= deadline:
            return
        time.sleep(pause)
        pause = min(pause * 2, 0.05)
