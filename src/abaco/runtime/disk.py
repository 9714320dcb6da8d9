"""Where the writable layers of one worker lie: a file system of a fixed size, in a sparse file on the data directory's.

So a container that fills its disk fills nobody else's. It has no journal: nothing in it outlives its worker.
"""

import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from abaco.runtime.kernel import MNT_DETACH, umount
from abaco.runtime.unavailable import RuntimeUnavailable

__all__ = ["LayerDisk"]

_SECONDS = 30.0


class LayerDisk:
    """Mounted at `directory`/disk while it is there, `size` bytes at most.

    Raises OSError or RuntimeUnavailable if it cannot be made.
    """

    def __init__(self, directory: Path, size: int) -> None:
        self._file = directory / "disk.ext4"
        self.root = directory / "disk"
        self.root.mkdir()
        with self._file.open("wb") as file:
            file.truncate(size)
        _call("mkfs.ext4", "-q", "-F", "-m", "0", "-O", "^has_journal", "-E", "nodiscard", str(self._file))
        _call("mount", "-o", "loop,noatime,nodev,nosuid", str(self._file), str(self.root))

    def remove(self) -> None:
        # The kernel frees the loop device with the last user of the mount.
        with suppress(OSError):
            umount(self.root, MNT_DETACH)
        self._file.unlink(missing_ok=True)


def _call(*command: str) -> None:
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
    try:
        _checked(command, environment)
    except FileNotFoundError:
        raise RuntimeUnavailable(f"{command[0]} is not installed: apt-get install e2fsprogs mount.") from None


def _checked(command: Sequence[str], environment: dict[str, str]) -> None:
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False
    )
    if done.returncode:
        raise RuntimeUnavailable(
            f"{command[0]} cannot give a worker's containers a disk of their own "
            f"({done.stderr.decode(errors='replace').strip()}): set disk_limit to -1 to do without.",
        )
