"""Who a container runs as: the image's ``User`` looked up in the image's own passwd and group files.

Everything in an image is hostile: files are opened as the container itself would, and read up to a bound.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from abaco.ports import ContainerStartError
from abaco.runtime.kernel import open_in_root

__all__ = ["Account", "account"]

_MAX_BYTES: Final = 1 << 20
_MAX_ID: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Account:
    """The user of a container's first process."""

    uid: int
    gid: int
    home: str


@lru_cache(maxsize=1024)
def account(rootfs: Path, ids: tuple[int, int] | None, image_user: str) -> Account:
    """Whom a container runs as: the user `ids` (uid, gid) if given, else the image's. Raises ContainerStartError.

    Remembered, as the files of an image stay as they are.
    """
    return _account_of(rootfs, *ids) if ids else _image_account(rootfs, image_user)


def _account_of(rootfs: Path, uid: int, gid: int) -> Account:
    """A user given by numbers; the image may know a home for them."""
    for entry in _entries(rootfs, "etc/passwd", 7):
        if entry[2] == str(uid):
            return Account(uid, gid, entry[5] or _home(uid))
    return Account(uid, gid, _home(uid))


def _image_account(rootfs: Path, user: str) -> Account:
    """`user` is ``name``, ``uid``, ``name:group`` or ``uid:gid``; empty is root. Raises ContainerStartError."""
    name, _, group = user.partition(":")
    entry = _passwd_entry(rootfs, name or "0")
    uid, gid = _number(entry[2]), _number(entry[3])
    if uid is None or gid is None:
        raise ContainerStartError(f"the image's /etc/passwd has no valid numbers for its user {name!r}")
    return Account(uid, _group_id(rootfs, group) if group else gid, entry[5] or _home(uid))


def _passwd_entry(rootfs: Path, name: str) -> list[str]:
    for entry in _entries(rootfs, "etc/passwd", 7):
        if name in {entry[0], entry[2]}:
            return entry
    number = _number(name)
    if number is None:
        raise ContainerStartError(f"the image wants to run as user {name!r}, which its /etc/passwd does not have")
    return ["", "", name, "0", "", _home(number), ""]


def _group_id(rootfs: Path, group: str) -> int:
    found = next((entry[2] for entry in _entries(rootfs, "etc/group", 4) if entry[0] == group), group)
    gid = _number(found)
    if gid is None:
        raise ContainerStartError(f"the image wants to run as group {group!r}, which its /etc/group does not have")
    return gid


def _home(uid: int) -> str:
    return "/root" if uid == 0 else "/"


def _number(text: str) -> int | None:
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None
    return number if number is not None and number <= _MAX_ID else None


def _entries(rootfs: Path, path: str, fields: int) -> Iterator[list[str]]:
    for line in _read(rootfs, path).splitlines():
        entry = line.split(":")
        if len(entry) == fields:
            yield entry


def _read(rootfs: Path, path: str) -> str:
    """The file's text; empty if it is missing, too large, or no regular file."""
    try:
        descriptor = open_in_root(rootfs, path)
    except OSError:
        return ""
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_BYTES:
            return ""
        return file.read(_MAX_BYTES).decode(errors="replace")
