"""Files of actors: arguments and answers that are too large for messages and results."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from abaco.domain.actor import Actor
from abaco.domain.manifest import require_digest
from abaco.domain.permission import Level
from abaco.domain.user import Principal
from abaco.errors import NotFound, TooLarge
from abaco.ports import ActorFiles, Clock, Draft, Store
from abaco.services.access import Access
from abaco.services.uploads import Upload

__all__ = ["FileLimits", "Files"]


@dataclass(frozen=True, slots=True)
class FileLimits:
    """Bytes: of one file; of all files of one owner's actors; and of the disk, what stays free. None is no limit."""

    file: int | None
    owner: int | None
    free: int | None


class Files:
    """Who may send an actor messages may give it files, and who may read its results may read them.

    They count as its owner's, in whose name its executions run.
    """

    def __init__(self, store: Store, access: Access, files: ActorFiles, clock: Clock, limits: FileLimits) -> None:
        self._store = store
        self._access = access
        self._files = files
        self._clock = clock
        self._limits = limits

    def begin(self, caller: Principal, identifier: str, digest: str, size: int) -> Upload:
        """A file of `size` bytes on its way in; raises TooLarge past a limit."""
        actor = self._access.require(caller, identifier, Level.EXECUTE, own=True)
        require_digest(digest)
        self._require_allowed(actor, size)

        def draft() -> Draft:
            begun = self._files.begin(actor.id, size)
            try:
                self._require_room(actor, 0)  # now that those that begin at the same time see each other
            except TooLarge:
                begun.abandon()
                raise
            return begun

        def check(came: int) -> None:
            if came > size:
                raise TooLarge(f"More than the {size} bytes came that Content-Length says.")
            self._require_free(0)

        return _FileUpload(digest, draft, check, lambda: self._files.touch(actor.id, digest, self._clock.now()))

    def open(self, caller: Principal, identifier: str, digest: str, size: int | None = None) -> BinaryIO:
        """A file, to be read and closed. Raises NotFound if the actor has none with that digest.

        Who would upload it then says its `size`, and gets what `begin` would raise.
        """
        level = Level.READ if size is None else Level.EXECUTE
        actor = self._access.require(caller, identifier, level, own=True)
        file = self._files.open(actor.id, require_digest(digest), self._clock.now())
        if file is None:
            if size is not None:
                self._require_allowed(actor, size)
            raise NotFound(f"The actor has no file {digest}: it was never uploaded, or has expired.")
        return file

    def _require_allowed(self, actor: Actor, size: int) -> None:
        if self._limits.file is not None and size > self._limits.file:
            raise TooLarge(f"A file has {size} bytes; it may have {self._limits.file} here (setting max_file_size).")
        self._require_room(actor, size)

    def _require_room(self, actor: Actor, more: int) -> None:
        limit = self._limits.owner
        if limit is not None:
            used = self._files.used(self._store.actors.owned(actor.tenant, actor.owner))
            if used + more > limit:
                raise TooLarge(
                    f"The files of {actor.owner}'s actors have {used} bytes, and may have {limit} (setting "
                    "max_files_size): they go with their actors, and when nobody has used them for a while."
                )
        self._require_free(more)

    def _require_free(self, more: int) -> None:
        if self._limits.free is not None and self._files.free() - more < self._limits.free:
            raise TooLarge("The server's disk has no room for this file: ask the server's administrator.")


class _FileUpload(Upload):
    def __init__(
        self, digest: str, begin: Callable[[], Draft], check: Callable[[int], None], touch: Callable[[], object]
    ) -> None:
        super().__init__(digest, begin, check)
        self._touch = touch

    def finish(self) -> int:
        try:
            size = super().finish()
        except FileNotFoundError:
            raise NotFound("The actor was deleted.") from None
        self._touch()
        return size
