"""The system calls that Python 3.11 lacks. Each raises OSError with the kernel's errno."""

import ctypes
import fcntl
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final, TypeVar

__all__ = [
    "CLONE_NEWNS",
    "CLONE_NEWPID",
    "CLONE_NEWUSER",
    "MNT_DETACH",
    "MS_BIND",
    "MS_NODEV",
    "MS_NOEXEC",
    "MS_NOSUID",
    "MS_REC",
    "KernelFile",
    "end_with_parent",
    "enter_private_mounts",
    "in_network",
    "make_mounts_private",
    "mount",
    "mount_idmapped",
    "open_in_root",
    "open_without_links",
    "read_small",
    "spread_children",
    "sync_filesystem",
    "umount",
    "unshare",
    "use_large_pages",
]

T = TypeVar("T")

CLONE_NEWNS: Final = 0x00020000
CLONE_NEWUSER: Final = 0x10000000
CLONE_NEWPID: Final = 0x20000000
CLONE_NEWNET: Final = 0x40000000
MS_NOSUID: Final = 2
MS_NODEV: Final = 4
MS_NOEXEC: Final = 8
MS_BIND: Final = 4096
MS_REC: Final = 16384
MS_SLAVE: Final = 1 << 19
MNT_DETACH: Final = 2

_PR_SET_PDEATHSIG: Final = 1
_AT_FDCWD: Final = -100
_SMALL_BYTES: Final = 4096
# The same on every architecture.
_SYS_OPEN_TREE: Final = 428
_SYS_MOVE_MOUNT: Final = 429
_SYS_OPENAT2: Final = 437
_SYS_MOUNT_SETATTR: Final = 442
_OPEN_TREE_CLONE: Final = 1
_AT_EMPTY_PATH: Final = 0x1000
_MOVE_MOUNT_F_EMPTY_PATH: Final = 4
_MOUNT_ATTR_RDONLY: Final = 0x1
_MOUNT_ATTR_IDMAP: Final = 0x100000
_RESOLVE_NO_MAGICLINKS: Final = 0x02
_RESOLVE_NO_SYMLINKS: Final = 0x04
_RESOLVE_IN_ROOT: Final = 0x10
_GET_FLAGS: Final = 0x80086601
_SET_FLAGS: Final = 0x40086602
_TOP_DIRECTORY: Final = 0x00020000
_MADV_COLLAPSE: Final = 25
_LARGE_PAGE: Final = Path("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size")


class _OpenHow(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


class _MountAttr(ctypes.Structure):
    _fields_ = (
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def read_small(path: str) -> bytes:
    """What one of the kernel's small files says; they are read for each message, and pathlib takes twice as long."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, _SMALL_BYTES)
    finally:
        os.close(descriptor)


class KernelFile:
    """One of the kernel's small files, which says something else each time. It is opened by its first reading, and
    stays open: reading it takes half the time then.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def read(self) -> bytes:
        """What it says now. Raises OSError."""
        if self._descriptor is None:
            self._descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        return os.pread(self._descriptor, _SMALL_BYTES, 0)

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def use_large_pages() -> None:
    """Move what this process has in memory by now to large pages, in which the processor finds it sooner.

    Where the kernel has none (Linux 6.1 brought the call), or none left, it stays where it is.
    """
    try:
        size = int(_LARGE_PAGE.read_text())
    except OSError:
        return
    madvise = _libc().madvise
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, rights, _, _, inode, *name = line.split(maxsplit=5)
        if rights.startswith("rw") and inode == "0" and name in ([], ["[heap]"]):
            begin, end = (int(address, 16) for address in span.split("-"))
            # One by one: those that nothing is in are refused.
            for address in range(-(-begin // size) * size, end - size + 1, size):
                madvise(ctypes.c_void_p(address), ctypes.c_size_t(size), _MADV_COLLAPSE)


def _checked(result: int, subject: str | Path) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), os.fspath(subject))
    return result


def mount(source: str, target: Path, kind: str, flags: int, options: str) -> None:
    data = os.fsencode(options)
    result = _libc().mount(os.fsencode(source), os.fsencode(target), kind.encode(), ctypes.c_ulong(flags), data)
    _checked(result, target)


def umount(target: Path, flags: int = 0) -> None:
    _checked(_libc().umount2(os.fsencode(target), flags), target)


def mount_idmapped(source: Path, target: Path, user_namespace: int) -> None:
    """Show `source` at `target`, read-only, with owners as the user namespace (a descriptor) maps them; Linux 5.12."""
    flags = _OPEN_TREE_CLONE | os.O_CLOEXEC
    tree = _checked(_libc().syscall(_SYS_OPEN_TREE, _AT_FDCWD, os.fsencode(source), flags), source)
    try:
        attributes = _MountAttr(attr_set=_MOUNT_ATTR_RDONLY | _MOUNT_ATTR_IDMAP, userns_fd=user_namespace)
        size = ctypes.c_size_t(ctypes.sizeof(attributes))
        number = ctypes.c_long(_SYS_MOUNT_SETATTR)
        _checked(_libc().syscall(number, tree, b"", _AT_EMPTY_PATH, ctypes.byref(attributes), size), source)
        place = os.fsencode(target)
        _checked(_libc().syscall(_SYS_MOVE_MOUNT, tree, b"", _AT_FDCWD, place, _MOVE_MOUNT_F_EMPTY_PATH), target)
    finally:
        os.close(tree)


def in_network(namespace: int, work: Callable[[], T]) -> T:
    """What `work` returns in a network namespace (a descriptor). Raises OSError, and what it raises."""

    def there() -> T:
        _checked(_libc().setns(namespace, CLONE_NEWNET), "setns")
        return work()

    with ThreadPoolExecutor(1) as elsewhere:  # a thread that never comes back from there
        return elsewhere.submit(there).result()


def sync_filesystem(directory: Path) -> None:
    """Put on disk everything written so far to the file system that holds `directory`."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _checked(_libc().syncfs(descriptor), directory)
    finally:
        os.close(descriptor)


def spread_children(directory: Path) -> None:
    """Have ext4 put each directory made in `directory` elsewhere on the disk, as those of different users are.

    A hint about speed only: file systems that know nothing of it are left alone.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):
            flags = int.from_bytes(fcntl.ioctl(descriptor, _GET_FLAGS, bytes(8))[:4], sys.byteorder)
            fcntl.ioctl(descriptor, _SET_FLAGS, (flags | _TOP_DIRECTORY).to_bytes(8, sys.byteorder))
    finally:
        os.close(descriptor)


def open_in_root(root: Path, path: str) -> int:
    """Open `path` for reading as a process whose root directory is `root` would; a descriptor.

    Symbolic links, absolute ones too, and ``..`` cannot lead out of `root`. Never blocks, not even on a FIFO.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
    directory = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return _openat2(directory, path, flags, _RESOLVE_IN_ROOT | _RESOLVE_NO_MAGICLINKS)
    finally:
        os.close(directory)


def open_without_links(path: str) -> int:
    """Open what `path`, an absolute one, leads to, only to name it (O_PATH); a descriptor.

    Errno is ELOOP if a symbolic link is on the way or at its end.
    """
    flags = os.O_PATH | os.O_CLOEXEC
    try:
        # Asked for as a directory, an automounter's place is mounted first.
        return _openat2(_AT_FDCWD, path, flags | os.O_DIRECTORY, _RESOLVE_NO_SYMLINKS)
    except NotADirectoryError:
        return _openat2(_AT_FDCWD, path, flags, _RESOLVE_NO_SYMLINKS)


def _openat2(directory: int, path: str, flags: int, resolve: int) -> int:
    how = _OpenHow(flags=flags, mode=0, resolve=resolve)
    size = ctypes.c_size_t(ctypes.sizeof(how))
    number = ctypes.c_long(_SYS_OPENAT2)
    return _checked(_libc().syscall(number, directory, os.fsencode(path), ctypes.byref(how), size), path)


def end_with_parent(number: int) -> None:
    """Have the kernel send this process the signal `number` when its parent ends; one that has ended is not told of."""
    _checked(_libc().prctl(_PR_SET_PDEATHSIG, number), "prctl")


def unshare(kinds: int) -> None:
    """Give the calling process namespaces of its own: of these kinds, CLONE_NEW... with "or" between them."""
    _checked(_libc().unshare(kinds), "unshare")


def enter_private_mounts() -> None:
    """Give this process mounts of its own, as `make_mounts_private`; call it once, before the first thread is started.

    What it mounts afterwards is seen by this process and its children only, and vanishes with them, even on SIGKILL.
    """
    unshare(CLONE_NEWNS)
    make_mounts_private()


def make_mounts_private(control_groups: Path = Path("/sys/fs/cgroup")) -> None:
    """Have no mount of this namespace be seen in others; what is mounted and unmounted there follows here.

    On hosts with "hybrid" control groups the unified hierarchy is hidden, because crun refuses them.
    """
    mount("none", Path("/"), "none", MS_REC | MS_SLAVE, "")
    unified = control_groups / "unified"
    if unified.is_mount():
        # Over it, since who is not the machine's root may not take it away.
        mount("none", unified, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "")
