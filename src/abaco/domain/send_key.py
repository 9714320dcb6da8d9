"""Keys by which senders make sure that a message is posted once, however often they send it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from abaco.domain.message import Payload
from abaco.domain.user import Principal
from abaco.errors import InvalidInput

__all__ = ["SendKey", "require_key", "send_key"]

_KEY = re.compile(r"[!-~](?:[ -~]{0,253}[!-~])?")
_NOT_OF_THE_MESSAGE = frozenset({"_abaco_synchronous", "x-nonce"})
"""How the sender wants to be answered, and who it is: a repetition may differ in it."""


@dataclass(frozen=True, slots=True)
class SendKey:
    """Digests of a key and its sender, and of the message that it was used for."""

    digest: str
    content: str


def require_key(text: str) -> str:
    """`text` if it may be a key; raises InvalidInput."""
    if _KEY.fullmatch(text) is None:
        raise InvalidInput("Idempotency-Key must have 1 to 255 printable ASCII characters, such as a UUID.")
    return text


def send_key(
    key: str, sender: Principal, payload: Payload, environment: Mapping[str, str], data_digest: str = ""
) -> SendKey:
    """The key of one sender's message. `data_digest` stands for the bytes of a binary one."""
    variables = {name: value for name, value in environment.items() if name not in _NOT_OF_THE_MESSAGE}
    return SendKey(
        _digest([sender.tenant, sender.username, key]),
        _digest([payload.content_type, payload.value, payload.size, data_digest, variables]),
    )


def _digest(value: object) -> str:
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
