"""The program `crun`: how it is called."""

import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Final

from abaco.runtime.overlay import delete_tree

__all__ = ["CrunProgram"]

_ENVIRONMENT: Final = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
_PATIENCE_SECONDS: Final = 5.0


class CrunProgram:
    """Calls the program at `path`, which keeps its state in `state`."""

    def __init__(self, path: str, state: Path) -> None:
        self._state = state
        self._base = (path, f"--root={state}", "--cgroup-manager=disabled")

    def run(self, identity: str, bundle: Path, log: Path) -> subprocess.Popen[bytes]:
        """Run a container in the foreground: stdout and stderr are one pipe, and it leads a session of its own."""
        # No preexec_fn: with it Python would fork instead of vfork.
        return subprocess.Popen(
            [*self._base, f"--log=file:{log}", "--log-format=json", "run", f"--bundle={bundle}", identity],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=_ENVIRONMENT,
            start_new_session=True,
            bufsize=0,
        )

    def terminate(self, identity: str) -> None:
        """Send SIGTERM to the first process of a container; nothing happens if there is none."""
        self._call("kill", identity, "TERM")

    def forget(self, identity: str) -> None:
        """Remove what crun remembers of a container, which it does not do itself when it is killed."""
        remembered = self._state / identity
        if remembered.exists():
            self._call("delete", "--force", identity)
            delete_tree(remembered)

    def _call(self, *arguments: str) -> None:
        with suppress(subprocess.TimeoutExpired):
            subprocess.run(
                [*self._base, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=_ENVIRONMENT,
                timeout=_PATIENCE_SECONDS,
                check=False,
            )
