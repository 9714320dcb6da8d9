"""What all schemas share: the spelling of fields, and the error."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType

__all__ = ["Camel", "Failure", "Links"]


class Camel(Struct, rename="camel"):
    """Fields as /actors/v2 spells them; under /v3/actors they are spelled in snake_case."""


class Links(Struct):
    """Addresses of related objects."""

    self: str
    owner: str


class Failure(Struct):
    """Every error; the header X-Abaco-Error-Code names its kind."""

    message: str
    status: str
    version: str
    result: None
    fault: dict[str, Any] | UnsetType = UNSET
