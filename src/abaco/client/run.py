"""One execution as its sender sees it, from the message to the result."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from abaco.client.actors import Actors
from abaco.client.cards import careful, execution_card
from abaco.client.decoding import decoded
from abaco.client.executions import TERMINAL, Execution, Executions
from abaco.client.logs import Logs
from abaco.client.messages import Messages
from abaco.client.polling import Clock, pauses_until
from abaco.client.results import Results
from abaco.errors import Conflict, ExecutionFailed, NotFound

__all__ = ["Resources", "Run"]


@dataclass(frozen=True, slots=True)
class Resources:
    """What the handles of one client share."""

    actors: Actors
    messages: Messages
    executions: Executions
    logs: Logs
    results: Results
    clock: Clock


class Run:
    """An execution: what a message that was sent has become. `actor` is the id or alias it was sent to.

    In a ``with`` it is halted at the end if it still runs. Methods that wait take a `timeout` in seconds (None: for
    ever) and raise TimeoutError after it; the execution goes on.
    """

    def __init__(self, resources: Resources, actor: str, execution_id: str, first_result: bytes | None = None) -> None:
        self.actor = actor
        self.id = execution_id
        self._resources = resources
        # The server gives a result away once, so they are kept here.
        self._taken: list[bytes] = [] if first_result is None else [first_result]

    def __repr__(self) -> str:
        return f"Run(id={self.id!r}, actor={self.actor!r})"

    def _repr_html_(self) -> str:
        """What a notebook shows: the execution as it is now, and the end of its log."""
        return careful(lambda: execution_card(self.info(), self.log()))

    def info(self) -> Execution:
        """All that the server says of it now."""
        return self._resources.executions.get(self.actor, self.id)

    @property
    def status(self) -> str:
        """SUBMITTED, RUNNING, COMPLETE or ERROR, as the server says now."""
        return self.info().status

    def wait(self, timeout: float | None = None) -> Execution:
        """The execution once it has ended, however it did."""
        return self._resources.executions.wait(self.actor, self.id, timeout)

    def result(self, timeout: float | None = None, *, trust: bool = False) -> Any:
        """The first result, as soon as it is there; the log, a text, if the execution ends well without any.

        What was sent by `send_python_result` comes back as that object, all else as bytes. Objects that are not plain
        values are read with `trust` only, since that may run code of the actor's author. Raises ExecutionFailed if
        the execution ends without a result in ERROR or with an exit code other than 0, InvalidInput for a result that
        needs `trust`.
        """
        if not self._taken:
            ended = self._first_result_or_end(timeout)
            if ended is not None:
                return self._log_of_success(ended)
        return decoded(self._taken[0], trust=trust)

    def results(self, timeout: float | None = None, *, trust: bool = False) -> list[Any]:
        """All results in order, once the execution has ended; they are read as `result` does."""
        self.wait(timeout)
        self._taken.extend(self._resources.results.all(self.actor, self.id))
        return [decoded(each, trust=trust) for each in self._taken]

    def log(self) -> str:
        """What it has written so far."""
        return self._resources.logs.get(self.actor, self.id)

    def follow(self, on_restart: Callable[[], None] | None = None) -> Iterator[str]:
        """The lines of the log, each as soon as it is there, until the execution has ended.

        `on_restart` is called where an attempt was lost with its server: what was yielded before is void.
        """
        rest = ""

        def restart() -> None:
            nonlocal rest
            rest = ""
            if on_restart is not None:
                on_restart()

        for text in self._resources.logs.follow(self.actor, self.id, restart):
            *lines, rest = (rest + text).split("\n")
            yield from lines
        if rest:
            yield rest

    def halt(self) -> None:
        """Stop its container. Raises Conflict unless it is running."""
        self._resources.executions.halt(self.actor, self.id)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with suppress(Conflict, NotFound):  # it has ended, or is gone with its actor
            self.halt()

    def _first_result_or_end(self, timeout: float | None) -> Execution | None:
        """The ended execution if it left no result, else None once there is one."""
        for last_try in pauses_until(timeout, self._resources.clock):
            # The status first: what has ended sends no more results.
            execution = self.info()
            data = self._resources.results.pop(self.actor, self.id)
            if data:
                self._taken.append(data)
                return None
            if execution.status in TERMINAL:
                return execution
            if last_try:
                break
        raise TimeoutError(f"execution {self.id} has neither a result nor ended after {timeout:g} seconds")

    def _log_of_success(self, execution: Execution) -> str:
        log = self.log()
        if execution.status == "ERROR":
            raise ExecutionFailed(f"execution {self.id} ended in ERROR: {execution.reason or 'no reason is known'}.")
        if execution.exit_code != 0:
            last = log.rstrip().rpartition("\n")[2]
            told = execution.reason or (f"its log ends with {last!r}" if last else "its log is empty")
            raise ExecutionFailed(f"execution {self.id} ended with exit code {execution.exit_code}: {told}.")
        return log
