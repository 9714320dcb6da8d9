"""Messages."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from abaco.api.schemas.base import Camel, Links

__all__ = ["Message", "Messages", "Posted", "Purged"]


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


class Messages(Struct):
    messages: Annotated[int, Meta(description="Messages that wait, not counting those being executed.")]
    links: Links = msgspec.field(name="_links")


class Purged(Struct):
    msg: str
    links: Links = msgspec.field(name="_links")
