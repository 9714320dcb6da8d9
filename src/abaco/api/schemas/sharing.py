"""Permissions, aliases, nonces."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from abaco.api.schemas.base import Camel

__all__ = ["Alias", "AliasDescription", "AliasTarget", "Grant", "Nonce", "NonceDescription", "Permissions"]

LevelName = Literal["NONE", "READ", "EXECUTE", "UPDATE"]
Permissions = dict[str, LevelName]
"""Level by user."""


class Grant(Struct, kw_only=True):
    """One user's level."""

    user: str
    level: LevelName


class AliasLinks(Struct):
    self: str
    owner: str
    actor: str


class Alias(Camel, kw_only=True):
    """A name of an actor."""

    alias: str
    actor_id: str
    owner: str
    links: AliasLinks = msgspec.field(name="_links")


class AliasDescription(Camel, kw_only=True):
    """A new alias."""

    alias: str
    actor_id: str


class AliasTarget(Camel, kw_only=True):
    """The actor that an alias is to name."""

    actor_id: str


class Nonce(Camel, kw_only=True):
    """A bearer credential for one actor or one alias."""

    id: str
    actor_id: str | UnsetType = UNSET
    alias: str | UnsetType = UNSET
    owner: str
    roles: list[str]
    api_server: str
    level: LevelName
    max_uses: int
    current_uses: int
    remaining_uses: int
    description: str
    create_time: str
    last_use_time: str
    links: AliasLinks = msgspec.field(name="_links")


class NonceDescription(Camel, kw_only=True):
    """A new nonce; everything may be left out."""

    level: LevelName | UnsetType = UNSET
    max_uses: Annotated[int, Meta(ge=-1)] | UnsetType = UNSET
    description: str | UnsetType = UNSET
