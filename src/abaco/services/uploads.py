"""What arrives piece by piece: kept if it is what its digest says, and no larger than it may be."""

from collections.abc import Callable

from abaco.errors import InvalidInput
from abaco.ports import DigestMismatch, Draft

__all__ = ["Upload"]


class Upload:
    """`begin` makes the draft, once something has arrived; `check`, told how much that is, raises if it is too much."""

    def __init__(self, digest: str, begin: Callable[[], Draft], check: Callable[[int], None]) -> None:
        self._digest = digest
        self._begin = begin
        self._check = check
        self._draft: Draft | None = None
        self._size = 0

    def write(self, data: bytes) -> None:
        """Store the next piece; raises what `begin` and `check` do."""
        self._draft = self._draft or self._begin()
        self._size += len(data)
        self._check(self._size)
        self._draft.write(data)

    def finish(self) -> int:
        """The size, now that it is kept; raises InvalidInput if it has another digest."""
        self._draft = self._draft or self._begin()
        try:
            return self._draft.keep(self._digest)
        except DigestMismatch as error:
            raise InvalidInput(f"This is not {self._digest}: {error}.") from None

    def abandon(self) -> None:
        """Forget what has arrived, unless it was kept."""
        if self._draft is not None:
            self._draft.abandon()
