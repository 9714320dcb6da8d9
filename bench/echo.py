"""What the API's server does at most: a handler behind the same edge that reads a message and answers, no more."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import httpx
from bench.live import LiveServer, free_port
from bench.posts import Target
from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar, Request, post
from litestar.params import FromPath

from abaco.api.edge import Edge
from abaco.api.params import read_params
from abaco.api.surface import CANONICAL_ROOT, surfaces
from abaco.api.wire import Wire
from abaco.domain.mount import MountRules

__all__ = ["echo_server"]

_START_SECONDS = 30.0


@contextmanager
def echo_server(server: LiveServer) -> Iterator[Target]:
    """In a process of its own; asked as `server` is."""
    port = free_port()
    with subprocess.Popen([sys.executable, "-m", "bench.echo", str(port)]) as process:
        target = Target(f"http://127.0.0.1:{port}", server.token)
        deadline = time.monotonic() + _START_SECONDS
        while not _answers(target):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield target
        process.kill()


def _answers(target: Target) -> bool:
    try:
        httpx.post(f"{target.url}/actors/v2/x/messages", data={"message": "x"}).raise_for_status()
    except httpx.HTTPError:
        return False
    return True


def main(port: int) -> None:
    wire = Wire("bench", default_token=False, mounts=MountRules())

    @post(CANONICAL_ROOT + "/{actor_id:str}/messages", status_code=200)
    async def echo(request: Request[Any, Any, Any], actor_id: FromPath[str]) -> Any:
        text = (await read_params(request)).text("message")
        return wire.success("The request was successful", {"executionId": actor_id, "msg": text})

    app = Edge(Litestar([echo], openapi_config=None), surfaces("camel"), lambda *_: None)
    server = Server(app, address="127.0.0.1", port=port, interface=Interfaces.ASGINL, log_enabled=False)
    anyio.run(server.serve, backend_options={"use_uvloop": True})


if __name__ == "__main__":
    main(int(sys.argv[1]))
