"""Files: what arrives piece by piece and is named by its digest, and what lies beside an actor's messages."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import BinaryIO, Protocol

__all__ = ["ActorFiles", "DigestMismatch", "Draft"]


class DigestMismatch(Exception):
    """What came is not what its digest said; ``str()`` is for the user."""


class Draft(Protocol):
    """A file on its way in."""

    def write(self, data: bytes) -> None: ...

    def keep(self, digest: str) -> int:
        """Its size, now that it is complete; it lasts from now on.

        Raises DigestMismatch, and forgets it, if its digest is another.
        """

    def abandon(self) -> None:
        """Forget it, unless it was kept."""


class ActorFiles(Protocol):
    """Arguments and answers too large for messages and results, by actor and digest (``sha256:...``).

    All methods block. A file is kept until nobody has used it for some time: to keep, to open and to touch is to use.
    """

    def begin(self, actor_id: str, size: int) -> Draft:
        """A file of `size` bytes, which count as used from now on. Its `keep` raises FileNotFoundError if the actor's
        files were removed meanwhile.
        """

    def touch(self, actor_id: str, digest: str, now: datetime) -> bool:
        """Use a file; False if it is not there."""

    def open(self, actor_id: str, digest: str, now: datetime) -> BinaryIO | None:
        """Use a file, and read it from the beginning; None if it is not there."""

    def used(self, actor_ids: Iterable[str]) -> int:
        """Bytes of disk of all that these actors have, drafts included."""

    def free(self) -> int:
        """Bytes of the disk that are free."""

    def holders(self) -> Collection[str]:
        """The ids of the actors that have files, or had."""

    def prune(self, actor_id: str, unused_since: datetime, drafts_before: datetime) -> int:
        """Remove the actor's files that were not used since, and drafts that grew no more since then; how many."""

    def remove(self, actor_id: str) -> None:
        """Remove all that the actor has."""
