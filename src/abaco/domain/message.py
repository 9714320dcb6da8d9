"""A message: what was posted to an actor's mailbox, and how its container sees it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from abaco.domain.environment import MAX_VARIABLE_BYTES, fits, render
from abaco.errors import InvalidInput, TooLarge

__all__ = ["ContentType", "Payload", "message_variables", "require_sendable"]


class ContentType(StrEnum):
    """What containers read in ``_abaco_Content_Type``."""

    TEXT = "str"
    JSON = "application/json"
    BINARY = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Payload:
    """The message itself. `value` is text, a decoded JSON value, or None for binary data.

    Binary data is `size` bytes that were stored, before the message was, as chunks under the execution's id.
    """

    content_type: ContentType
    value: Any = None
    size: int = 0

    @property
    def is_binary(self) -> bool:
        return self.content_type is ContentType.BINARY


def message_variables(payload: Payload) -> Mapping[str, str]:
    """The variables that carry the message: ``MSG`` as a Python literal, and JSON also as a JSON document.

    Guest libraries parse ``MSG`` as a Python literal only (agavepy 0.9.5); ``_abaco_msg_json`` is for everybody
    else. Binary messages have neither: their data is the file ``/_abaco_binary_data``.
    """
    if payload.is_binary:
        return {}
    variables = {"MSG": render(payload.value)}
    if payload.content_type is ContentType.JSON:
        variables["_abaco_msg_json"] = json.dumps(payload.value, ensure_ascii=False)
    return variables


def require_sendable(payload: Payload) -> None:
    """Raise TooLarge or InvalidInput if no container could be started with this message."""
    for name, text in message_variables(payload).items():
        if "\0" in text:
            raise InvalidInput(
                "The message holds a NUL character, which an environment variable cannot carry: "
                "send it with Content-Type application/octet-stream.",
            )
        if not fits(name, text):
            raise TooLarge(
                f"The message takes {len(text.encode())} bytes as {name}; an environment variable holds "
                f"{MAX_VARIABLE_BYTES - len(name) - 1}. "
                "Send it with Content-Type application/octet-stream: such messages may have any size and are "
                "found by the actor in the file /_abaco_binary_data.",
            )
