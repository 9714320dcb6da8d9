"""Directories and files of the machine that containers see, found without following symbolic links.

Users may write in some of them, and could plant a link there to what is not theirs: crun and Docker's engine, who are
root, would follow it past all doors that are closed to the user.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from abaco.ports import ContainerStartError, Mount
from abaco.runtime.kernel import MNT_DETACH, MS_BIND, MS_REC, mount, open_without_links, umount

__all__ = ["SharedPlace", "require_no_links"]


class SharedPlace:
    """Shows at `place` what the source of `wanted` is now, whatever comes there later; `mount` says so to crun.

    `place` must not lie below what is deleted as a tree: a user's files are seen there. Raises ContainerStartError.
    """

    def __init__(self, wanted: Mount, place: Path) -> None:
        self._place = place
        self.mount = replace(wanted, source=str(place))
        with _opened(wanted) as source:
            if stat.S_ISDIR(os.fstat(source).st_mode):
                self._remove = place.rmdir
                place.mkdir()
            else:
                self._remove = place.unlink
                place.touch()
            try:
                mount(f"/proc/self/fd/{source}", place, "none", MS_BIND | (0 if wanted.read_only else MS_REC), "")
            except OSError as error:
                self._remove()
                raise ContainerStartError(_said(wanted, f"cannot be mounted ({error.strerror})")) from None

    def close(self) -> None:
        umount(self._place, MNT_DETACH)
        self._remove()


def require_no_links(wanted: Mount) -> None:
    """Raises ContainerStartError if the source has symbolic links on its way, or if that cannot be seen."""
    with _opened(wanted):
        pass


@contextmanager
def _opened(wanted: Mount) -> Iterator[int]:
    try:
        source = open_without_links(wanted.source)
    except OSError as error:
        raise ContainerStartError(_said(wanted, _reason(error))) from None
    try:
        yield source
    finally:
        os.close(source)


def _reason(error: OSError) -> str:
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        return "does not exist"
    if error.errno == errno.ELOOP:
        return "is a symbolic link or lies behind one, and none is followed: mount the place itself"
    return f"cannot be opened ({error.strerror})"


def _said(wanted: Mount, what: str) -> str:
    return f"{wanted.source}, which this server mounts at {wanted.target}, {what}"
