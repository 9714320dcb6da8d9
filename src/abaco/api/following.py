"""Following a log while it is written: ``GET .../logs?follow=true``."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

from anyio import to_thread
from litestar import Request, Response

from abaco.api.auth import Caller, credentials_of
from abaco.api.bells import Bells
from abaco.api.event_stream import EVENT_STREAM, EventStream, Say, event
from abaco.api.params import query_value, surface_of
from abaco.api.places import Places
from abaco.api.surface import Surface
from abaco.domain.execution import Execution
from abaco.domain.log_position import LogPiece, LogPosition
from abaco.errors import AbacoError, InvalidInput
from abaco.services.executions import Executions

__all__ = ["FOLLOW", "HEARTBEAT_SECONDS", "OPENING", "Following"]

HEARTBEAT_SECONDS = 15.0
"""Also how late a lost word of the engine is noticed."""
FOLLOW: Mapping[str, Any] = {"type": "string", "enum": ["true", "false"]}
OPENING = "retry: 1000\n\n"
"""How many milliseconds browsers wait before they connect again."""
Look = Callable[[LogPosition], Awaitable[LogPiece]]


class Following:
    """Tells at most `most` at once: event `log` is a piece, `restart` voids what came before, `end` is the last."""

    def __init__(self, executions: Executions, caller: Caller, bells: Bells, most: int) -> None:
        self._executions = executions
        self._caller = caller
        self._bells = bells
        self.places = Places(most, "Too many requests follow logs: try again later, or get the log so far.")

    @staticmethod
    def asked(request: Request[Any, Any, Any]) -> bool:
        """Whether the log is to be followed; raises InvalidInput if that cannot be told."""
        value = query_value(request, "follow").lower()
        if value not in {"", "true", "false"}:
            raise InvalidInput("follow must be true or false.")
        return value == "true"

    async def answer(self, request: Request[Any, Any, Any], actor_id: str, execution_id: str) -> Response[Any]:
        """The stream; raises what getting the log would, and Unavailable if too many follow."""
        known = LogPosition.read(request.headers.get("last-event-id", ""))
        who = await self._caller.identify(credentials_of(request))

        async def look(known: LogPosition) -> LogPiece:
            # With the permission each time: it may be taken away meanwhile.
            return await to_thread.run_sync(self._executions.log_piece, who, actor_id, execution_id, known)

        execution = (await look(known)).execution
        if request.scope["state"]["is_head"]:
            return Response(b"", media_type=EVENT_STREAM)
        with ExitStack() as stack:
            stack.enter_context(self.places.place()).take(who)
            place = stack.pop_all()
        return EventStream(partial(self._write, look, execution, known, surface_of(request)), place)

    async def _write(self, look: Look, execution: Execution, known: LogPosition, surface: Surface, say: Say) -> None:
        topics = f"execution:{execution.id}", f"log:{execution.id}", f"actor:{execution.actor_id}"
        await say(OPENING)
        with self._bells.bell(*topics) as bell:
            while not self._bells.is_closing:
                try:
                    piece = await look(known)
                except AbacoError:
                    return  # deleted, or not the follower's any more: who connects again is told so
                known = piece.end
                if piece.restarted:
                    await say(event("restart", {"attempts": piece.execution.attempts}, f"{piece.execution.attempts}:0"))
                if piece.text:
                    await say(event("log", piece.text, str(known)))
                elif piece.is_last:
                    await say(event("end", _end(surface, piece.execution), str(known)))
                    return
                elif not await bell.wait(HEARTBEAT_SECONDS):
                    await say(": still there\n\n")


def _end(surface: Surface, execution: Execution) -> dict[str, Any]:
    reason = (execution.final_state or {}).get("Error") or ""
    return {
        "status": execution.status.value,
        surface.spell("exit_code"): execution.exit_code,
        "reason": reason,
    }
