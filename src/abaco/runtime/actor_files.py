"""Files of actors below a directory:

<actor id>/<hex>          a file; its time of modification is when it was last used
<actor id>/draft-<...>    a file on its way in
"""

import fcntl
import os
import shutil
from collections.abc import Collection, Iterable
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from abaco.domain.ids import has_id_shape
from abaco.ports import ActorFiles
from abaco.runtime.drafts import DRAFT_PREFIX, FileDraft, cost, entries
from abaco.runtime.layout import digest_hex
from abaco.runtime.locks import locked

__all__ = ["FilesOnDisk"]


class FilesOnDisk(ActorFiles):
    """`directory` is made when it is needed. An actor's directory is locked while it is decided what goes or stays."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def begin(self, actor_id: str, size: int) -> FileDraft:
        place = self._place(actor_id)
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        return FileDraft(place, size, _alone(place))

    def touch(self, actor_id: str, digest: str, now: datetime) -> bool:
        opened = self.open(actor_id, digest, now)
        if opened is None:
            return False
        opened.close()
        return True

    def open(self, actor_id: str, digest: str, now: datetime) -> BinaryIO | None:
        place = self._place(actor_id)
        with suppress(FileNotFoundError), _alone(place):
            file = os.fdopen(os.open(place / digest_hex(digest), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")
            os.utime(file.fileno(), (now.timestamp(), now.timestamp()))
            return file
        return None

    def used(self, actor_ids: Iterable[str]) -> int:
        return sum(cost(entry) for actor_id in actor_ids for entry in entries(self._place(actor_id)))

    def free(self) -> int:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return shutil.disk_usage(self._directory).free

    def holders(self) -> Collection[str]:
        return [entry.name for entry in entries(self._directory) if has_id_shape(entry.name)]

    def prune(self, actor_id: str, unused_since: datetime, drafts_before: datetime) -> int:
        place, removed = self._place(actor_id), 0
        with suppress(FileNotFoundError), _alone(place):
            for entry in entries(place):
                limit = drafts_before if entry.name.startswith(DRAFT_PREFIX) else unused_since
                with suppress(FileNotFoundError):  # a draft that was abandoned
                    if entry.stat(follow_symlinks=False).st_mtime < limit.timestamp():
                        Path(entry.path).unlink()
                        removed += 1
        return removed

    def remove(self, actor_id: str) -> None:
        place = self._place(actor_id)
        with suppress(FileNotFoundError), _alone(place):
            shutil.rmtree(place, ignore_errors=True)

    def _place(self, actor_id: str) -> Path:
        """Raises ValueError for what is no id."""
        if not has_id_shape(actor_id):
            raise ValueError(actor_id)
        return self._directory / actor_id


def _alone(place: Path) -> AbstractContextManager[None]:
    """Raises FileNotFoundError if the actor has no files."""
    return locked(place, os.O_RDONLY | os.O_DIRECTORY, fcntl.LOCK_EX)
