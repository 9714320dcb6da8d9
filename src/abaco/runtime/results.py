"""The socket through which a container hands back results: one datagram is one result."""

import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from abaco.runtime.sockets import bind_for_all

__all__ = ["MAX_RESULT_BYTES", "ResultSocket"]

MAX_RESULT_BYTES: Final = 131_072
_BUFFER_BYTES: Final = 8 << 20
_AT_ONCE: Final = 64


class ResultSocket:
    """A UNIX datagram socket at `path`, which every user may write to; a fresh one for each container."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._buffer = bytearray(MAX_RESULT_BYTES)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self._enlarge()
            bind_for_all(self._socket, self.path)
        except OSError:
            self._socket.close()
            raise

    def fileno(self) -> int:
        return self._socket.fileno()

    def receive(self, result: Callable[[bytes], None], dropped: Callable[[int], None]) -> bool:
        """Hand on what has arrived, up to a bound; whether more may be there. Oversize is `dropped`, not cut."""
        for _ in range(_AT_ONCE):
            try:
                # MSG_TRUNC makes the kernel tell the size that was sent, not the part that fits.
                size = self._socket.recv_into(self._buffer, 0, socket.MSG_TRUNC)
            except BlockingIOError:
                return False
            if size > MAX_RESULT_BYTES:
                dropped(size)
            else:
                result(bytes(memoryview(self._buffer)[:size]))
        return True

    def close(self) -> None:
        self._socket.close()
        self.path.unlink(missing_ok=True)

    def _enlarge(self) -> None:
        with suppress(OSError):
            # The FORCE form goes beyond the machine's rmem_max, and needs CAP_NET_ADMIN.
            self._socket.setsockopt(socket.SOL_SOCKET, 33, _BUFFER_BYTES)  # SO_RCVBUFFORCE
