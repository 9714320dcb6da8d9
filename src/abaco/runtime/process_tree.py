"""In place of control groups, for servers that are not root: processes are found by whose children they are.

Limits are those of processes, not of groups. Only in a namespace of processes of its own (`rootless.become_root`).
"""

import os
import resource
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from abaco.runtime.cgroup import ControlGroup, ControlGroups, Limits
from abaco.runtime.kernel import read_small
from abaco.runtime.unavailable import RuntimeUnavailable

__all__ = ["ProcessTree", "ProcessTrees"]

_FIRST = 1
"""The namespace's first process, who gets the children of those that have ended."""
_QUEUE_BYTES = 102_400
"""Of POSIX message queues, one of the usual size: all workers share the 800 KiB that the server's user has."""
_NANOSECONDS = 1_000_000_000


class ProcessTree(ControlGroup):
    """One worker's crun and its child, the first process of the container, with which the kernel kills all in there."""

    def __init__(self) -> None:
        super().__init__([])
        self._wanted = Limits()
        self._taken_in: int | None = None
        self._spent = 0

    def _apply(self, limits: Limits) -> None:
        self._wanted = limits

    def process_limits(self) -> Sequence[Mapping[str, Any]]:
        # Those of the container's user namespace are counted, and crun, for whom there is one more, is not in it.
        processes = None if self._wanted.pids is None else self._wanted.pids - 1
        queues = min(_QUEUE_BYTES, resource.getrlimit(resource.RLIMIT_MSGQUEUE)[1])
        wanted = {"RLIMIT_DATA": self._wanted.memory, "RLIMIT_NPROC": processes, "RLIMIT_MSGQUEUE": queues}
        own = [{"type": name, "soft": most, "hard": most} for name, most in wanted.items() if most is not None]
        return [*super().process_limits(), *own]

    def take_in(self, pid: int) -> None:
        self._taken_in = pid

    def let_go(self, pid: int, cpu_seconds: float) -> None:
        if pid == self._taken_in:
            self._taken_in = None
        self._spent += int(cpu_seconds * _NANOSECONDS)

    def pids(self) -> set[int]:
        """With containers whose crun has ended, whichever worker's they were: nobody waits for them."""
        found = set(_children(_FIRST)) - {os.getpid()}
        if self._taken_in is not None:
            found |= {self._taken_in, *_children(self._taken_in)}
        return found

    def cpu_nanoseconds(self) -> int:
        """Of processes that have ended; of those that run, of a container's first and what it has waited for."""
        return self._spent + sum(map(_cpu_nanoseconds, self.pids()))

    def oom_kills(self) -> int:
        return 0


class ProcessTrees(ControlGroups):
    """None is left over from a former process: they ended with it."""

    def __init__(self) -> None:
        super().__init__([], "")

    def prepare(self) -> None:
        if not _children_file(os.getpid()).exists():
            raise RuntimeUnavailable("Without root Abaco needs a kernel with CONFIG_PROC_CHILDREN.")

    def group(self, worker_id: str) -> ProcessTree:  # noqa: ARG002 - nothing in the kernel has its name
        return ProcessTree()

    def existing(self) -> Iterator[ControlGroup]:
        return iter(())


def _children_file(pid: int) -> Path:
    return Path(f"/proc/{pid}/task/{pid}/children")


def _children(pid: int) -> list[int]:
    """Of a process with one thread; none if it has ended."""
    with suppress(OSError):
        return [int(one) for one in read_small(str(_children_file(pid))).split()]
    return []


def _cpu_nanoseconds(pid: int) -> int:
    try:
        fields = read_small(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    except OSError:
        return 0
    ticks = sum(int(each) for each in fields[11:15])  # utime, stime, cutime, cstime
    return ticks * _NANOSECONDS // os.sysconf("SC_CLK_TCK")
