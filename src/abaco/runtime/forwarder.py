"""The way from a container to the API where the API listens on the machine's loopback, which is not the container's.

In the container's network namespace a socket listens where the container expects the API; what connects there is
passed on. So a container reaches the API, under the address users know, and nothing else on the machine.
"""

import asyncio
import socket
from threading import Thread
from typing import Final

from abaco.ports import FORWARDED_FROM
from abaco.runtime.kernel import in_network

__all__ = ["Forwarder", "Serving"]

_PIECE_BYTES: Final = 1 << 16
_MAX_CONNECTIONS: Final = 64
"""Of one container at once: each takes two descriptors of this process."""


class Forwarder:
    """Passes connections on, in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="api-forwarder", daemon=True)
        self._thread.start()

    def serve(self, network: int, address: tuple[str, int]) -> "Serving":
        """Listen at the API's `address` in the network namespace `network`, which has it, too. Raises OSError."""
        listener = in_network(network, lambda: socket.create_server(address))
        return self.accept(listener, address, shared=False)

    def accept(self, listener: socket.socket, address: tuple[str, int], *, shared: bool) -> "Serving":
        """Pass on what connects to `listener`, which is closed with what is returned, to `address`.

        `shared`: each address that connects is a container's, instead of all one's, which may use any of 127.0.0.0/8.
        """
        serving = Serving(self._loop, address, shared=shared)
        asyncio.run_coroutine_threadsafe(serving.start(listener), self._loop).result()
        return serving

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Serving:
    """One listening socket's share of the forwarder; `shared` as for `Forwarder.accept`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, address: tuple[str, int], *, shared: bool) -> None:
        self._loop = loop
        self._address = address
        self._shared = shared
        self._tasks: dict[asyncio.Task[None], str] = {}

    async def start(self, listener: socket.socket) -> None:
        self._server = await asyncio.start_server(self._accept, sock=listener)

    def close(self) -> None:
        """Stop listening, and cut off what is connected."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()

    async def _stop(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername") or ("",)  # gone already
        client = str(peer[0]) if self._shared else ""
        if list(self._tasks.values()).count(client) >= _MAX_CONNECTIONS:
            writer.close()
            return
        task = self._loop.create_task(self._relay(reader, writer))
        self._tasks[task] = client
        task.add_done_callback(self._tasks.pop)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers = [writer]
        try:
            answers, asked = await asyncio.open_connection(*self._address, local_addr=(FORWARDED_FROM, 0))
            writers.append(asked)
            await asyncio.gather(_pump(reader, asked), _pump(answers, writer))
            for one in writers:
                one.close()
        except OSError:
            pass  # one of the two has gone: the other is told below
        finally:
            for one in writers:
                if not one.is_closing():
                    one.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_PIECE_BYTES):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
