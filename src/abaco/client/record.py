"""What all objects read from the wire have in common."""

from collections.abc import Iterator, KeysView
from typing import TYPE_CHECKING, Any, Self

import msgspec

from abaco.errors import InternalError

__all__ = ["Record"]


class Record(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An object as the server sent it: its known fields typed, `links` its URLs, `raw` all of it as received."""

    links: dict[str, Any] = msgspec.field(default_factory=dict, name="_links")
    raw: dict[str, Any] = msgspec.field(default_factory=dict, name="_raw")

    def __getitem__(self, name: str) -> Any:
        """What the server sent under that name, as the old clients have it: ``actor["createTime"]`` is text."""
        return self.raw[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.raw)

    def __contains__(self, name: object) -> bool:
        return name in self.raw

    def get(self, name: str, default: Any = None) -> Any:
        return self.raw.get(name, default)

    def keys(self) -> KeysView[str]:
        return self.raw.keys()

    if not TYPE_CHECKING:  # for a type checker the names are those of the fields

        def __getattr__(self, name: str) -> Any:
            """The wire's names are attributes too, as with the old clients: ``actor.createTime``."""
            try:
                return self.raw[name]
            except KeyError:
                raise AttributeError(f"{type(self).__name__} has no attribute {name!r}") from None

    @classmethod
    def from_wire(cls, result: Any) -> Self:
        """The record that `result` holds. Raises InternalError if its shape is not the contract's."""
        try:
            return msgspec.convert({**msgspec.convert(result, dict[str, Any]), "_raw": result}, cls)
        except msgspec.ValidationError as error:
            raise InternalError(
                f"The server's {cls.__name__} cannot be understood ({error}): is it an Abaco server of this version?",
            ) from error
