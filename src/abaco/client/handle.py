"""An actor as those see it who send it messages."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, BinaryIO

import httpx

from abaco.client.actors import Actor
from abaco.client.answer import result_of
from abaco.client.cards import actor_card, careful
from abaco.client.decoding import decoded
from abaco.client.messages import Sent
from abaco.client.run import Resources, Run

__all__ = ["EXECUTION_HEADER", "ActorHandle"]

EXECUTION_HEADER = "X-Abaco-Execution-Id"
_RESULT_TYPE = "application/octet-stream"


class ActorHandle:
    """The actor that `name`, its id or an alias, stands for whenever something is asked of it."""

    def __init__(self, resources: Resources, name: str) -> None:
        self.name = name
        self._resources = resources

    def __repr__(self) -> str:
        return f"ActorHandle({self.name!r})"

    def _repr_html_(self) -> str:
        """What a notebook shows: the actor as it is now."""
        return careful(lambda: actor_card(self.info(), self._resources.executions.list(self.name).executions))

    def info(self) -> Actor:
        """All that the server says of it now. Raises NotFound if there is none of that name."""
        return self._resources.actors.get(self.name)

    @property
    def status(self) -> str:
        """SUBMITTED, READY, ERROR or SHUTTING_DOWN, as the server says now."""
        return self.info().status

    def wait(self, timeout: float | None = None) -> Actor:
        """The actor once it is READY or ERROR. Raises TimeoutError after `timeout` seconds (None: never)."""
        return self._resources.actors.wait(self.name, timeout)

    def send(
        self,
        message: Any,
        /,
        *,
        max_run_time: float | None = None,
        not_before: datetime | float | None = None,
        idempotency_key: str | None = None,
        **environment: Any,
    ) -> Run:
        """Post a message: a text; bytes or a file, as binary data; or any other JSON value.

        `environment` sets variables of this one execution, which ends after `max_run_time` seconds, and does not begin
        before `not_before`, a moment or seconds from now. The key, by default a fresh one, is what the message is known
        by when it is sent again. Raises InvalidInput for what cannot be sent.
        """
        sent = self._resources.messages.send(
            self.name,
            **_kind(message),
            environment=environment,
            max_run_time=max_run_time,
            not_before=not_before,
            idempotency_key=idempotency_key,
        )
        return self.execution(sent.execution_id)

    def send_many(
        self,
        messages: Iterable[Any],
        /,
        *,
        max_run_time: float | None = None,
        not_before: datetime | float | None = None,
        idempotency_key: str | None = None,
        **environment: Any,
    ) -> list[Run]:
        """Post many messages, in order: texts, other JSON values, or `Message`s with variables of their own.

        The other arguments are for all, as in `send`; see `Messages.send_many`.
        """
        ids = self._resources.messages.send_many(
            self.name,
            messages,
            environment=environment,
            max_run_time=max_run_time,
            not_before=not_before,
            idempotency_key=idempotency_key,
        )
        return [self.execution(execution_id) for execution_id in ids]

    def call(
        self,
        message: Any,
        /,
        *,
        timeout: float | None = None,
        trust: bool = False,
        max_run_time: float | None = None,
        **environment: Any,
    ) -> Any:
        """Post a message as `send` does, and wait for what `Run.result` returns or raises.

        Raises TimeoutError after `timeout` seconds (None: never); the execution goes on.
        """
        clock = self._resources.clock
        started_at = clock.monotonic()
        response = self._resources.messages.ask(
            self.name, **_kind(message), environment=environment, max_run_time=max_run_time, timeout=timeout
        )
        if response.headers.get("Content-Type", "").startswith(_RESULT_TYPE):
            return decoded(response.content, trust=trust)
        if response.status_code == httpx.codes.ACCEPTED:  # the server waits for so long, and no longer
            execution_id = Sent.from_wire(result_of(response)).execution_id
        else:
            execution_id = response.headers[EXECUTION_HEADER]
        left = None if timeout is None else timeout - (clock.monotonic() - started_at)
        return self.execution(execution_id).result(left, trust=trust)

    def executions(self) -> list[Run]:
        """All executions, oldest first."""
        entries = self._resources.executions.list(self.name).executions
        return [self.execution(each.id) for each in entries]

    def execution(self, execution_id: str) -> Run:
        return Run(self._resources, self.name, execution_id)

    def delete(self) -> None:
        """Delete the actor, also if it was named by an alias; what it is executing is stopped."""
        self._resources.actors.delete(self.name)


def _kind(message: Any) -> dict[str, Any]:
    """The message as an argument of `Messages.send`."""
    if isinstance(message, str):
        return {"text": message}
    if isinstance(message, bytearray | memoryview):
        return {"data": bytes(message)}
    if isinstance(message, bytes) or _is_file(message):
        return {"data": message}
    return {"json": message}


def _is_file(message: BinaryIO | Any) -> bool:
    return hasattr(message, "read")
