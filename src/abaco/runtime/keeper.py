"""Keeping an eye on one crun process, and ending its container, gently or not."""

import os
import select
import subprocess

from abaco.runtime.cgroup import ControlGroup
from abaco.runtime.program import CrunProgram

__all__ = ["CrunKeeper"]


class CrunKeeper:
    """The keeper of the container `identity`, which `process` runs in `group`. Dismiss it at the end."""

    def __init__(
        self,
        crun: CrunProgram,
        group: ControlGroup,
        identity: str,
        process: subprocess.Popen[bytes],
    ) -> None:
        self._crun = crun
        self._group = group
        self._identity = identity
        self._process = process
        self._pidfd = os.pidfd_open(process.pid)
        self._dismissed = False

    def fileno(self) -> int:
        return self._pidfd

    def ends_within(self, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def terminate(self) -> None:
        self._crun.terminate(self._identity)

    def kill(self, *, hard: bool) -> None:
        self._group.kill(spare=None if hard else self._process.pid)

    def dismiss(self) -> None:
        """Take leave of crun, once; it is still running only if it was not needed or following it has failed."""
        if self._dismissed:
            return
        self._dismissed = True
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._pidfd)
        if self._process.stdout:
            self._process.stdout.close()

    @property
    def returncode(self) -> int:
        """As of `subprocess`; only once dismissed."""
        return self._process.returncode
