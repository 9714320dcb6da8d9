"""Following one container to its end: output, results, the time limit and the request to stop, in one loop."""

import os
import selectors
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from abaco.domain.execution import StopReason
from abaco.ports import Stop
from abaco.runtime.results import ResultSocket
from abaco.runtime.serving import Broken, Done, Left, Ready, ServeSocket

__all__ = ["Follower", "Keeper", "Listener", "Served"]

_READ_BYTES: Final = 1 << 18
_MOST_LEFT_BYTES: Final = 64 << 20
"""More than pipe and socket hold at an end."""
_KILL_AGAIN_SECONDS: Final = 0.05
_PATIENT_KILLS: Final = 20
_QUIET_SECONDS: Final = 0.002
"""How long a program that has stayed is left alone with its message, unless it is done or ends. Most are done by then,
and what they have written is read at once: to be woken for every line would take longer than most of them do.
"""


class Listener(Protocol):
    """Who hears what comes out of the container."""

    def output(self, data: bytes) -> None: ...

    def result(self, data: bytes) -> None: ...

    def dropped(self, size: int) -> None: ...

    def flush(self, now: float) -> float | None: ...


class Keeper(Protocol):
    """Who keeps an eye on the crun process and can end its container."""

    def fileno(self) -> int:
        """Readable once crun has ended."""

    def terminate(self) -> None:
        """Ask the container's first process to end."""

    def kill(self, *, hard: bool) -> None:
        """Kill the container's processes; with `hard` also crun, which would otherwise report and clean up."""


@dataclass(frozen=True, slots=True)
class Served:
    """A message for a container whose program may serve, on `socket`; else it has it in its environment."""

    socket: ServeSocket
    execution_id: str
    environment: Mapping[str, str]
    binary: bool

    def give(self) -> None:
        self.socket.give(self.execution_id, self.environment, self.binary)


class Follower:
    """Follows one container while it handles one message; `follow` returns once all it left behind has been read.

    That is at its end, or when its program says that it is done: then `exit_code` is what it says, and it goes on. Or
    when a program that has stayed from a message before leaves without this one, which is then `refused`.
    """

    def __init__(self, pipe: int, results: ResultSocket, listener: Listener, served: Served | None = None) -> None:
        self._pipe = pipe
        self._results = results
        self._listener = listener
        self._served = served
        self.exit_code: int | None = None
        self.refused = False
        self._has_stayed = served is not None and served.socket.is_idle
        self._reason = StopReason.EXITED
        self._ended = False
        self._kills = 0
        self._deadline: float | None = None
        self._quiet_until: float | None = None
        if not self._has_stayed:
            os.set_blocking(self._pipe, False)

    def follow(self, stop: Stop, keeper: Keeper, limit_seconds: float | None, grace_seconds: float) -> StopReason:
        """Why the container ended, as far as the following had a part in it."""
        self._keeper = keeper
        self._grace_seconds = grace_seconds
        self._on_deadline: Callable[[], None] = self._time_out
        if limit_seconds is not None:
            self._deadline = time.monotonic() + limit_seconds
        self._loop(stop)
        if self._ended and self._has_stayed:
            self._take_served()  # that it was done, or left without its message, and then ended
        self._drain()
        return self._reason

    def _loop(self, stop: Stop) -> None:
        with selectors.PollSelector() as selector:
            self._selector = selector
            selector.register(self._keeper, selectors.EVENT_READ)
            selector.register(stop, selectors.EVENT_READ, lambda: self._halt(stop))
            if self._served is not None:
                selector.register(self._served.socket, selectors.EVENT_READ, self._take_served)
            if self._served is not None and self._has_stayed:
                self._served.give()
                self._quiet_until = time.monotonic() + _QUIET_SECONDS
            else:
                self._listen()
            while not self._ended and self.exit_code is None and not self.refused:
                self._step(selector)

    def _step(self, selector: selectors.BaseSelector) -> None:
        ready = selector.select(self._patience())
        # Who has ended by itself is not stopped any more: the end goes before anything else that is ready.
        self._ended = any(key.fileobj is self._keeper for key, _ in ready)
        if self._ended:
            return
        for key, _ in ready:
            key.data()
        if self._quiet_until is not None and time.monotonic() >= self._quiet_until:
            self._quiet_until = None
            self._listen()
        if self._deadline is not None and time.monotonic() >= self._deadline:
            self._on_deadline()

    def _listen(self) -> None:
        """From now on hear what the program says as it says it."""
        self._selector.register(self._results, selectors.EVENT_READ, self._take_results)
        self._selector.register(self._pipe, selectors.EVENT_READ, self._take_output)

    def _patience(self) -> float | None:
        """For how many seconds there is nothing to do if nothing is heard; None is for ever."""
        now = time.monotonic()
        known = (self._listener.flush(now), self._quiet_until, self._deadline)
        moments = [moment for moment in known if moment is not None]
        return max(0.0, min(moments) - now) if moments else None

    def _take_output(self) -> bool:
        """Hand on a piece of output; whether more may be there."""
        try:
            data = os.read(self._pipe, _READ_BYTES)
        except BlockingIOError:
            return False
        if data:
            self._listener.output(data)
        elif not self._ended:
            self._selector.unregister(self._pipe)
        return bool(data)

    def _take_results(self) -> bool:
        return self._results.receive(self._listener.result, self._listener.dropped)

    def _take_served(self) -> None:
        assert self._served is not None  # noqa: S101 - whose socket this is
        for event in self._served.socket.receive():
            match event:
                case Ready():
                    self._served.give()
                case Done(exit_code):
                    self.exit_code = exit_code
                case Left(unread):
                    self.refused = unread and self._has_stayed
                case Broken(reason):
                    self._listener.output(f"Abaco: the program broke the rules of serving: {reason}.\n".encode())
                    self._kill()

    def _drain(self) -> None:
        """Read what was written before the end; nobody is waited for.

        A program that goes on could write for ever: what is there by now is its message's.
        """
        left = _MOST_LEFT_BYTES
        while self._take_results() and left > 0:
            left -= _READ_BYTES
        while self._take_output() and left > 0:
            left -= _READ_BYTES

    def _time_out(self) -> None:
        self._reason = StopReason.TIMED_OUT
        self._on_deadline = self._kill
        self._deadline = time.monotonic() + self._grace_seconds
        self._keeper.terminate()

    def _halt(self, stop: Stop) -> None:
        self._selector.unregister(stop)
        if self._reason is StopReason.EXITED:
            self._reason = StopReason.HALTED
        self._kill()

    def _kill(self) -> None:
        """Kill, and again a little later: crun may be about to start the container just now."""
        self._keeper.kill(hard=self._kills >= _PATIENT_KILLS)
        self._kills += 1
        self._on_deadline = self._kill
        self._deadline = time.monotonic() + _KILL_AGAIN_SECONDS
