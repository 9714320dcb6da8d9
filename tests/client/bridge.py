"""A way from the client to the real application, without a network."""

import httpx
from api.world import World

__all__ = ["Bridge"]

_OF_THE_CONNECTION = {"host", "content-length", "transfer-encoding", "connection"}


class Bridge(httpx.BaseTransport):
    """Hands requests to the application of `world`."""

    def __init__(self, world: World) -> None:
        self.world = world

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        content = request.read()
        headers = [(name, text) for name, text in request.headers.items() if name not in _OF_THE_CONNECTION]
        target = request.url.raw_path.decode()
        answer = self.world.http.send(request.method, target, headers=headers, content=content)
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
