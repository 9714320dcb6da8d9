"""Following a log while it is written: ``GET .../logs?follow=true``."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

from anyio import to_thread
from litestar import Request, Response

from abaco.api.auth import Caller, credentials_of
from abaco.api.bells import Bells
from abaco.api.event_stream import EventStream, Say
from abaco.api.log_form import LogForm, form_for
from abaco.api.params import query_value
from abaco.api.places import Places
from abaco.domain.execution import Execution
from abaco.domain.log_position import LogPiece, LogPosition
from abaco.errors import AbacoError, InvalidInput
from abaco.services.executions import Executions

__all__ = ["FOLLOW", "HEARTBEAT_SECONDS", "Following"]

HEARTBEAT_SECONDS = 15.0
"""Also how late a lost word of the engine is noticed."""
FOLLOW: Mapping[str, Any] = {"type": "string", "enum": ["true", "false"]}
Look = Callable[[LogPosition], Awaitable[LogPiece]]


class Following:
    """Tells at most `most` at once, each in the form that was asked for."""

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
        form = form_for(request)
        if request.scope["state"]["is_head"]:
            return Response(b"", media_type=form.media_type)
        with ExitStack() as stack:
            stack.enter_context(self.places.place()).take(who)
            place = stack.pop_all()
        return EventStream(partial(self._write, look, execution, known, form), place, form.media_type)

    async def _write(self, look: Look, execution: Execution, known: LogPosition, form: LogForm, say: Say) -> None:
        topics = f"execution:{execution.id}", f"log:{execution.id}", f"actor:{execution.actor_id}"
        await say(form.opening)
        with self._bells.bell(*topics) as bell:
            while not self._bells.is_closing:
                try:
                    piece = await look(known)
                except AbacoError:
                    return  # deleted, or not the follower's any more: who connects again is told so
                known = piece.end
                if piece.restarted:
                    await say(form.restarted(piece.execution.attempts))
                if piece.text:
                    await say(form.piece(piece))
                elif piece.is_last:
                    await say(form.end(piece))
                    return
                elif not await bell.wait(HEARTBEAT_SECONDS):
                    await say(form.still_there)
