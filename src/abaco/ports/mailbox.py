"""Where messages wait, each with its execution."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from abaco.domain.send_key import SendKey
from abaco.ports.records import EarlierSend, NewMessage

__all__ = ["Mailbox"]


class Mailbox(Protocol):
    def add(
        self,
        messages: Sequence[NewMessage],
        *,
        lasting: bool = True,
        approve: Callable[[Mapping[str, EarlierSend]], None] | None = None,
    ) -> dict[str, EarlierSend]:
        """Add messages with their executions, all or none; raises NotFound if an actor was deleted meanwhile.

        Left out are those whose key was used for the actor before, or earlier in `messages`: what for, by the id that
        the execution would have had. Of rivals who use a key at the same time one is the first.

        If they need not be `lasting` yet, an end of the whole machine may undo it until `sync`, or until anything else
        is written. If they are, so is what their keys were used for. `approve` is given what will be returned, and may
        raise: then nothing was added.
        """

    def sync(self) -> None:
        """From now on whatever was added lasts."""

    def find_send(self, actor_id: str, key: SendKey) -> EarlierSend | None:
        """What the key was used for."""

    def prune_sends(self, used_before: datetime) -> int:
        """Forget old keys; how many."""

    def add_chunk(self, execution_id: str, position: int, data: bytes, now: datetime) -> None:
        """Store one piece of a binary message ahead of its `add`."""

    def discard_chunks(self, execution_id: str) -> None:
        """Drop the pieces of a binary message that was not added after all."""

    def chunks(self, execution_id: str) -> Iterator[bytes]:
        """The pieces of a binary message, in order; a transaction a piece."""

    def count(self, actor_id: str, due_at: datetime | None = None) -> int:
        """Messages that wait, not counting those being executed; with `due_at` without those not due then."""

    def oldest(self, actor_id: str) -> datetime | None:
        """When the first of the messages came that wait or are being executed; None if there is none."""

    def purge(self, actor_id: str, now: datetime) -> int:
        """Drop all waiting messages; their executions end in ERROR and say why. Returns how many."""

    def prune_chunks(self, stored_before: datetime) -> int:
        """Remove old pieces of binary messages that were never added; how many."""
