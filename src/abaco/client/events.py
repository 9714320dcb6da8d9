"""Server-sent events: what a stream of bytes says."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from abaco.errors import InternalError

__all__ = ["ServerEvent", "events_of"]


class ServerEvent(msgspec.Struct, frozen=True):
    """One event; a sign of life between events has no `name`."""

    name: str = ""
    identifier: str = ""
    data: Any = None


def events_of(chunks: Iterable[bytes]) -> Iterator[ServerEvent]:
    """The events in order; one that is cut off is left out. Raises InternalError for data that is not JSON."""
    fields: dict[str, str] = {}
    for line in _lines(chunks):
        name, _, value = line.partition(": ")
        if line.startswith(":"):
            yield ServerEvent()
        elif line:
            fields[name] = value
        elif "event" in fields:
            yield ServerEvent(fields["event"], fields.get("id", ""), _decoded(fields.get("data", "null")))
            fields = {}
        else:
            fields = {}


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Ended by line feeds only: what else Unicode takes for the end of a line may stand in the data."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.decode("utf-8", "replace")


def _decoded(data: str) -> Any:
    try:
        return msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        raise InternalError(f"The server's events cannot be read ({error}): is it an Abaco server?") from error
