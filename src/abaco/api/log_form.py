"""In which form a followed log is told: as server-sent events, for programs, or as it is, for people with curl."""

from typing import Any, ClassVar, Protocol

from litestar import Request

from abaco.api.event_stream import EVENT_STREAM, OPENING, STILL_THERE, event
from abaco.api.params import surface_of
from abaco.api.surface import Surface
from abaco.domain.execution import Execution
from abaco.domain.log_position import LogPiece

__all__ = ["LogForm", "form_for"]

_PLAIN = "text/plain"


class LogForm(Protocol):
    """What is sent for each thing that happens; nothing is sent for an empty text."""

    media_type: ClassVar[str]
    opening: ClassVar[str]
    still_there: ClassVar[str]

    def restarted(self, attempts: int) -> str: ...

    def piece(self, piece: LogPiece) -> str: ...

    def end(self, piece: LogPiece) -> str: ...


class _Events:
    media_type: ClassVar[str] = EVENT_STREAM
    opening: ClassVar[str] = OPENING
    still_there: ClassVar[str] = STILL_THERE

    def __init__(self, surface: Surface) -> None:
        self._surface = surface

    def restarted(self, attempts: int) -> str:
        return event("restart", {"attempts": attempts}, f"{attempts}:0")

    def piece(self, piece: LogPiece) -> str:
        return event("log", piece.text, str(piece.end))

    def end(self, piece: LogPiece) -> str:
        return event("end", _end(self._surface, piece.execution), str(piece.end))


class _Plain:
    media_type: ClassVar[str] = _PLAIN
    opening: ClassVar[str] = ""
    still_there: ClassVar[str] = ""

    def restarted(self, attempts: int) -> str:  # noqa: ARG002 - a number that says nothing to people
        return "\n--- The attempt was lost: the log above is void, and starts over. ---\n"

    def piece(self, piece: LogPiece) -> str:
        return piece.text

    def end(self, piece: LogPiece) -> str:  # noqa: ARG002 - the log has ended, and that is all there is to say
        return ""


def form_for(request: Request[Any, Any, Any]) -> LogForm:
    """Events, unless plain text is asked for and nothing else: libraries for browsers name it among much else."""
    accepted = {each.partition(";")[0].strip().lower() for each in request.headers.get("accept", "").split(",")}
    return _Plain() if accepted == {_PLAIN} else _Events(surface_of(request))


def _end(surface: Surface, execution: Execution) -> dict[str, Any]:
    reason = (execution.final_state or {}).get("Error") or ""
    return {
        "status": execution.status.value,
        surface.spell("exit_code"): execution.exit_code,
        "reason": reason,
    }
