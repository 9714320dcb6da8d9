"""The program `crun`: how it is called."""

import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Final

from abaco.runtime.overlay import delete_tree
from abaco.runtime.spawn import spawn

__all__ = ["CrunProgram"]

_ENVIRONMENT: Final = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
_PATIENCE_SECONDS: Final = 5.0


class CrunProgram:
    """Calls the program at `path`, which keeps its state in `state`."""

    def __init__(self, path: str, state: Path) -> None:
        self._state = state
        self._base = (path, f"--root={state}", "--cgroup-manager=disabled")

    def run(self, identity: str, bundle: Path, log: Path, output: int) -> int:
        """Run a container in the foreground, its stdout and stderr going to a descriptor; crun's process id."""
        options = [f"--log=file:{log}", "--log-format=json", "run", f"--bundle={bundle}", identity]
        return spawn([*self._base, *options], _ENVIRONMENT, output)

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
