"""Messages."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from abaco.api.schemas.base import Camel, Links

__all__ = ["BatchMessage", "Message", "Messages", "Posted", "PostedBatch", "Purged"]


class PostedLinks(Struct):
    self: str
    owner: str
    messages: str


class Posted(Camel, kw_only=True):
    """A message that is on disk."""

    execution_id: str
    msg: Any
    links: PostedLinks = msgspec.field(name="_links")


class Message(Struct):
    """A text message; any other JSON value is a message as it is."""

    message: str


class BatchMessage(Camel, kw_only=True):
    """One of many messages."""

    message: Annotated[
        Any, Meta(description="A text, or any other JSON value but null.", examples=[{"text": "count these"}])
    ]
    environment: Annotated[
        dict[str, str], Meta(description="Variables of this execution.", examples=[{"LANG": "C"}])
    ] = msgspec.field(default_factory=dict)
    key: Annotated[
        str | UnsetType, Meta(description="As the header Idempotency-Key, of this message.", examples=["book 7"])
    ] = UNSET
    not_before: Annotated[str | float | UnsetType, Meta(description="As `_abaco_not_before`.", examples=[90])] = UNSET


class PostedBatch(Camel, kw_only=True):
    """Messages that are on disk."""

    execution_ids: Annotated[
        list[str], Meta(description="In the order of the messages.", examples=[["E4ineBnG3gOgY", "wmQdRq4X1ZbA3"]])
    ]
    links: PostedLinks = msgspec.field(name="_links")


class Messages(Struct):
    messages: Annotated[int, Meta(description="Messages that wait, not counting those being executed.")]
    links: Links = msgspec.field(name="_links")


class Purged(Struct):
    msg: str
    links: Links = msgspec.field(name="_links")
