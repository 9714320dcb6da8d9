"""What all objects read from the wire have in common."""

from typing import Any, Self

import msgspec

from abaco.errors import InternalError

__all__ = ["Record"]


class Record(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An object as the server sent it: its known fields typed, `links` its URLs, `raw` all of it as received."""

    links: dict[str, Any] = msgspec.field(default_factory=dict, name="_links")
    raw: dict[str, Any] = msgspec.field(default_factory=dict, name="_raw")

    @classmethod
    def from_wire(cls, result: Any) -> Self:
        """The record that `result` holds. Raises InternalError if its shape is not the contract's."""
        try:
            return msgspec.convert({**msgspec.convert(result, dict[str, Any]), "_raw": result}, cls)
        except msgspec.ValidationError as error:
            raise InternalError(
                f"The server's {cls.__name__} cannot be understood ({error}): is it an Abaco server of this version?",
            ) from error
