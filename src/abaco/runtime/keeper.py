"""Keeping an eye on one crun process, and ending its container, gently or not."""

import os
import select
import signal

from abaco.runtime.cgroup import ControlGroup
from abaco.runtime.program import CrunProgram

__all__ = ["CrunKeeper"]


class CrunKeeper:
    """The keeper of the container `identity`, which the crun with process id `pid` runs in `group`.

    Dismiss it at the end.
    """

    def __init__(self, crun: CrunProgram, group: ControlGroup, identity: str, pid: int) -> None:
        self._crun = crun
        self._group = group
        self._identity = identity
        self._pid = pid
        self._pidfd = os.pidfd_open(pid)
        self._poll = select.poll()
        self._poll.register(self._pidfd, select.POLLIN)
        self._returncode: int | None = None

    def fileno(self) -> int:
        return self._pidfd

    def ends_within(self, seconds: float) -> bool:
        return bool(self._poll.poll(seconds * 1000))

    def terminate(self) -> None:
        self._crun.terminate(self._identity)

    def kill(self, *, hard: bool) -> None:
        self._group.kill(spare=None if hard else self._pid)

    def dismiss(self) -> int:
        """Take leave of crun; its exit code as shells give it. If it still runs, it is killed."""
        if self._returncode is None:
            if not self.ends_within(0):
                self._group.kill()
                os.kill(self._pid, signal.SIGKILL)  # which may not have got into the group
            _, status, used = os.wait4(self._pid, 0)
            self._group.let_go(self._pid, used.ru_utime + used.ru_stime)
            code = os.waitstatus_to_exitcode(status)
            self._returncode = code if code >= 0 else 128 - code
            os.close(self._pidfd)
        return self._returncode
