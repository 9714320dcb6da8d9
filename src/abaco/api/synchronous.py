"""Messages whose request waits for the execution and is answered with what comes of it (contract 4.6)."""

from typing import Any

from anyio import to_thread
from litestar import Request, Response

from abaco.api.bells import Bell
from abaco.api.params import query_value
from abaco.api.threads import Threads
from abaco.api.waiting import Waiters
from abaco.api.wire import EXECUTION_HEADER, Wire
from abaco.errors import AbacoError
from abaco.services.executions import Answer, Executions, Stuck
from abaco.services.mailbox import Mailbox, Posted

__all__ = ["Synchronous", "is_synchronous"]

_NO_PAGE = {"Content-Security-Policy": "sandbox", "X-Content-Type-Options": "nosniff"}

_THREADS = 8
"""Who take results away, which SQLite lets one do at a time anyway."""


def is_synchronous(request: Request[Any, Any, Any]) -> bool:
    return query_value(request, "_abaco_synchronous").lower() == "true"


class Synchronous:
    def __init__(
        self, mailbox: Mailbox, executions: Executions, waiters: Waiters, wire: Wire, timeout_seconds: float
    ) -> None:
        self._mailbox = mailbox
        self._executions = executions
        self._waiters = waiters
        self._wire = wire
        self._timeout_seconds = timeout_seconds
        self._threads = Threads(_THREADS, "answer")

    async def answer(
        self, request: Request[Any, Any, Any], posted: Posted, bell: Bell, fields: dict[str, Any]
    ) -> Response[bytes]:
        """The first result, or the log at the end, without an envelope; 500 for an execution that ends in ERROR.

        After the time limit 202 with `fields`, as a message that is not waited for gets: the execution goes on. The
        same, and at once, if its actor goes to ERROR before.
        """
        headers = {EXECUTION_HEADER: posted.execution_id}
        try:
            answer: Answer | Stuck | None = await self._waiters.wait(
                request,
                bell,
                lambda: self._threads.call(self._executions.answer, posted),
                self._timeout_seconds,
            )
        except AbacoError as error:
            return self._wire.failure(error, headers)
        if answer is None or isinstance(answer, Stuck):
            # P1: the message counts as accepted from now on.
            await to_thread.run_sync(self._mailbox.sync)
            waited = f"The execution did not answer within {self._timeout_seconds:g} seconds; it goes on."
            reason = answer.reason if answer else waited
            return self._wire.success(reason, fields, status_code=202, headers=headers)
        kind = "application/octet-stream" if answer.is_result else "text/html; charset=utf-8"
        # What an actor writes is no page of this server's, whatever a browser takes it for.
        return self._wire.plain(answer.data, kind, {**headers, **_NO_PAGE})
