"""The socket through which a warm container takes one message after the other; docs/warm-actors.md has the protocol."""

import json
import select
import socket
from collections.abc import Mapping
from enum import Enum, auto
from pathlib import Path
from typing import Annotated, Final

import msgspec

from abaco.runtime.sockets import bind_for_all

__all__ = ["MAX_FRAME_BYTES", "Broken", "Done", "Left", "Ready", "ServeEvent", "ServeSocket"]

MAX_FRAME_BYTES: Final = 65_536
"""Of a frame from the container."""
_HEAD_BYTES: Final = 4


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The program serves, and waits for its first message."""


class Done(msgspec.Struct, frozen=True, tag="done"):
    """The message given last is handled."""

    exit_code: Annotated[int, msgspec.Meta(ge=0, le=255)]


class Left(msgspec.Struct, frozen=True):
    """The program has hung up: it serves no more, and only its end can say what became of its message.

    Nothing became of one that it has not read, at least not to its end: `unread`.
    """

    unread: bool


class Broken(msgspec.Struct, frozen=True):
    """The program broke the rules: it serves no more, and its container is to be ended. `reason` is for its user."""

    reason: str


ServeEvent = Ready | Done | Left | Broken
_JSON: Final = json.JSONEncoder(ensure_ascii=False)
_FRAMES: Final = msgspec.json.Decoder(Ready | Done)


_OUT_OF_TURN: Final = "it sent a frame out of turn"


class _Stage(Enum):
    LISTENING = auto()
    GREETING = auto()
    IDLE = auto()
    WORKING = auto()
    OVER = auto()


_EXPECTED: Final = {_Stage.GREETING: Ready, _Stage.WORKING: Done}


class _BrokenError(Exception):
    """``str()`` says what the program did."""


class ServeSocket:
    """A UNIX stream socket at `path`, on which one program may connect and serve; a fresh one for each container.

    Whoever follows the container registers it like any other descriptor, and acts on what `receive` returns::

        selector.register(serving, EVENT_READ, take)    # readable whenever there is something to receive or to send
        if serving.is_idle:                             # kept since the message before
            serving.give(execution_id, environment, binary)

        def take():
            for event in serving.receive():
                match event:
                    case Ready(): serving.give(execution_id, environment, binary)
                    case Done(): ...                    # read the output that is there; this is the exit code
                    case Left(unread=True): ...         # another container has to take the message
                    case Left(): pass                   # the container's end tells the rest
                    case Broken(): ...                  # end the container

    No method waits, and a container that does not read what it is given keeps nobody from what else there is to do:
    its time limit is its follower's. After `Left` and `Broken` nothing more is heard or said.
    """

    def __init__(self, path: Path) -> None:
        """Listen. Raises OSError."""
        self.path = path
        self._stage = _Stage.LISTENING
        self._received = bytearray()
        self._unsent = memoryview(b"")
        self._unread = False
        self._interest = select.EPOLLIN
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        # Stands for the listening socket and the connection alike, so that the loop need not know which is of use now.
        self._poll = select.epoll()
        try:
            bind_for_all(self._socket, path)
            self._socket.listen(1)
            self._poll.register(self._socket, self._interest)
        except OSError:
            self._socket.close()
            self._poll.close()
            raise

    @property
    def is_idle(self) -> bool:
        """Whether the program waits for a message, as far as has been received."""
        return self._stage is _Stage.IDLE

    def is_quiet(self) -> bool:
        """Whether the program waits for a message, and has not hung up since, nor said anything out of turn."""
        return self.is_idle and not self._poll.poll(0)

    def fileno(self) -> int:
        return self._poll.fileno()

    def give(self, execution_id: str, environment: Mapping[str, str], binary: bool) -> None:
        """Give the idle program its next message."""
        assert self.is_idle  # noqa: S101 - who calls has just asked, or received Ready
        frame = {"type": "run", "execution_id": execution_id, "environment": dict(environment), "binary": binary}
        # As in the environment of a container that starts, what is no Unicode is no reason to fail.
        data = _JSON.encode(frame).encode("utf-8", "replace")
        self._unsent = memoryview(len(data).to_bytes(_HEAD_BYTES, "big") + data)
        self._stage = _Stage.WORKING
        self._send()

    def receive(self) -> list[ServeEvent]:
        """What has happened since; what could not be sent before is sent on."""
        if self._stage is _Stage.LISTENING:
            self._accept()
        if self._stage in {_Stage.LISTENING, _Stage.OVER}:
            return []
        if self._unsent:
            self._send()
        try:
            data = self._socket.recv(MAX_FRAME_BYTES)
        except BlockingIOError:
            return []
        except OSError:  # reset: hung up without reading all
            data, self._unread = b"", True
        if not data:
            self.hang_up()
            return [Left(self._unread)]
        self._received += data
        return self._understand()

    def hang_up(self) -> None:
        """The program is told nothing more."""
        if self._stage is not _Stage.OVER:
            self._poll.unregister(self._socket)
            self._socket.close()
            self._stage = _Stage.OVER

    def close(self) -> None:
        self.hang_up()
        self._poll.close()
        self.path.unlink(missing_ok=True)

    def _accept(self) -> None:
        try:
            connection, _ = self._socket.accept()
        except OSError:  # it has gone again
            return
        self.hang_up()  # one program serves: the kernel refuses all others
        connection.setblocking(False)
        self._poll.register(connection, self._interest)
        self._socket, self._stage = connection, _Stage.GREETING

    def _send(self) -> None:
        try:
            while self._unsent:
                self._unsent = self._unsent[self._socket.send(self._unsent) :]
        except BlockingIOError:
            pass
        except OSError:  # it has hung up, which will be received
            self._unsent, self._unread = memoryview(b""), True
        interest = select.EPOLLIN | (select.EPOLLOUT if self._unsent else 0)
        if interest != self._interest:
            self._poll.modify(self._socket, interest)
            self._interest = interest

    def _understand(self) -> list[ServeEvent]:
        """What the received bytes say: one frame at most, since after it the program has to wait."""
        events: list[ServeEvent] = []
        try:
            events += self._frames()
            self._require_silence()
        except _BrokenError as error:
            self.hang_up()
            events.append(Broken(str(error)))
        return events

    def _frames(self) -> list[Ready | Done]:
        """The frame that is complete and in turn, if there is one. Raises _BrokenError if it is a bad one."""
        frame = self._whole_frame()
        if frame is None:
            return []
        event = self._checked(frame)
        self._stage = _Stage.IDLE
        return [event]

    def _require_silence(self) -> None:
        if self.is_idle and self._received:
            raise _BrokenError(_OUT_OF_TURN)

    def _whole_frame(self) -> bytes | None:
        """Take the frame that has been received; None if part of it is still to come. Raises _BrokenError."""
        if len(self._received) < _HEAD_BYTES:
            return None
        size = int.from_bytes(self._received[:_HEAD_BYTES], "big")
        if size > MAX_FRAME_BYTES:
            raise _BrokenError(f"it sent a frame of {size} bytes; {MAX_FRAME_BYTES} are allowed")
        if len(self._received) < _HEAD_BYTES + size:
            return None
        frame = bytes(self._received[_HEAD_BYTES : _HEAD_BYTES + size])
        del self._received[: _HEAD_BYTES + size]
        return frame

    def _checked(self, frame: bytes) -> Ready | Done:
        """What the frame says. Raises _BrokenError if that is nothing, or not what was waited for."""
        try:
            event: Ready | Done = _FRAMES.decode(frame)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise _BrokenError(f"it sent a frame that says nothing: {error}") from None
        if type(event) is not _EXPECTED.get(self._stage) or self._unsent:
            raise _BrokenError(_OUT_OF_TURN)
        return event
