"""Without root: this process becomes root of a user namespace of its own, where the kernel allows most of what we need.

What was started goes on in a process of its own there. Two others see to its end: this one stands in for it, takes
signals and ends with its exit code; and between them is the first process of a namespace of processes, with which the
kernel kills all others, containers included, however it ends. So nothing outlives an engine that was killed.
"""

import os
import select
import signal
from pathlib import Path
from typing import Final, NoReturn

from abaco.runtime.kernel import (
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    end_with_parent,
    make_mounts_private,
    mount,
    unshare,
)
from abaco.runtime.unavailable import RuntimeUnavailable

__all__ = ["become_root"]

_SI_USER: Final = 0
_PASSED_ON: Final = {signal.SIGTERM, signal.SIGINT}
_AWAITED: Final = {*_PASSED_ON, signal.SIGCHLD}
_FORBIDDEN: Final = (
    "This machine does not let ordinary users have user namespaces ({}): start Abaco as root, or allow them "
    "(sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0)."
)


def become_root() -> None:
    """Returns in the new process, which has private mounts too; call it before the first thread is started.

    Raises RuntimeUnavailable if this machine does not allow it.
    """
    user, group = os.geteuid(), os.getegid()
    try:
        unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID)
        for name, line in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
            Path(f"/proc/self/{name}").write_text(line)
        make_mounts_private()
    except OSError as error:
        raise RuntimeUnavailable(_FORBIDDEN.format(error.strerror)) from None
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
    alive, held = os.pipe()
    first = os.fork()
    if first:
        os.close(alive)
        _stand_in_for(first)
    os.close(held)
    _end_with_parent(alive)
    try:
        # The old one shows the processes of the machine, under their numbers there.
        mount("proc", Path("/proc"), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "")
    except OSError as error:
        raise RuntimeUnavailable(_FORBIDDEN.format(error.strerror)) from None
    program = os.fork()
    if program:
        _stand_in_for(program)
    os.close(alive)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with_parent(alive: int) -> None:
    """Be killed with whoever holds the other end of `alive`, a pipe; by the kernel, and even if that has happened."""
    end_with_parent(signal.SIGKILL)
    poll = select.poll()
    poll.register(alive, select.POLLIN)
    if poll.poll(0):
        os._exit(1)


def _stand_in_for(child: int) -> NoReturn:
    """Pass signals on to `child`, wait for whatever ends here, and end as it does."""
    while True:
        told = signal.sigwaitinfo(_AWAITED)
        if told.si_signo == signal.SIGCHLD:
            _reap(child)
        elif told.si_signo == signal.SIGTERM or told.si_code == _SI_USER:
            # Ctrl-C on a terminal has reached the child as well.
            os.kill(child, told.si_signo)


def _reap(child: int) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)
