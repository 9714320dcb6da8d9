"""Posting many messages in few requests, each executed once whatever becomes of the requests."""

import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import TypeVar
from uuid import uuid4

from abaco.client.abaco import Abaco
from abaco.errors import Unavailable

__all__ = ["posted"]

_SMALL_BYTES = 90_000
"""In Base64 this fits in a text message, as which it may go in a batch."""
_BATCH = 200
"""Some 24 MB at most."""
_PAUSES = (0.2, 1.0, 3.0, 10.0)
"""Seconds before a request is sent again; a restarting server is back within their sum."""
T = TypeVar("T")


def posted(ab: Abaco, actor_id: str, messages: Sequence[bytes]) -> Iterator[str]:
    """The ids of the executions, in order, as the messages are posted. Raises what posting does."""
    for is_small, group in groupby(messages, lambda message: len(message) <= _SMALL_BYTES):
        several = list(group)
        if not is_small or len(several) == 1:
            for message in several:
                yield _one(ab, actor_id, message)
            continue
        for start in range(0, len(several), _BATCH):
            yield from _batch(ab, actor_id, several[start : start + _BATCH])


def _one(ab: Abaco, actor_id: str, message: bytes) -> str:
    def send(key: str) -> str:
        headers = {"Idempotency-Key": key}
        sent = ab.actors.sendBinaryMessage(actorId=actor_id, message=message, headers=headers)
        return str(sent["executionId"])

    return _surely(send)


def _batch(ab: Abaco, actor_id: str, messages: Sequence[bytes]) -> list[str]:
    body = [{"message": b64encode(message).decode()} for message in messages]

    def send(key: str) -> list[str]:
        sent = ab.actors.sendMessages(actorId=actor_id, body=body, headers={"Idempotency-Key": key})
        return list(sent["executionIds"])

    return _surely(send)


def _surely(send: Callable[[str], T]) -> T:
    """Send again after trouble with the network or the server; by its key it knows what it has taken already."""
    key = uuid4().hex
    for pause in _PAUSES:
        try:
            return send(key)
        except Unavailable:
            time.sleep(pause)
    return send(key)
