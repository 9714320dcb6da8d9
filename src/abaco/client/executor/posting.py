"""Posting many messages in few requests."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from itertools import groupby

from abaco.client.abaco import Abaco

__all__ = ["posted"]

_SMALL_BYTES = 90_000
"""In Base64 this fits in a text message, as which it may go in a batch."""
_BATCH = 200
"""Some 24 MB at most."""


def posted(ab: Abaco, actor_id: str, messages: Sequence[bytes]) -> Iterator[str]:
    """The ids of the executions, in order, as the messages are posted. Raises what posting does."""
    for is_small, group in groupby(messages, lambda message: len(message) <= _SMALL_BYTES):
        several = list(group)
        if is_small and len(several) > 1:
            for start in range(0, len(several), _BATCH):
                texts = [b64encode(message).decode() for message in several[start : start + _BATCH]]
                yield from ab.messages.send_many(actor_id, texts)
        else:
            for message in several:
                yield ab.messages.send(actor_id, data=message).execution_id
