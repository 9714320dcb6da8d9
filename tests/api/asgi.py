"""A synchronous way to the application: every request goes through ASGI, as from a server."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from types import MappingProxyType
from typing import Any

import anyio
import anyio.lowlevel
import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal

from abaco.api.edge import App

__all__ = ["Call", "Http", "chunked", "open_http", "result_of"]

Call = dict[str, Any]
"""The arguments of one request, as `Http.send` takes them."""


class Http:
    """Sends requests; an exception that escapes the application fails the test."""

    def __init__(self, app: App, portal: BlockingPortal, client: httpx.AsyncClient) -> None:
        self.app = app
        self.portal = portal
        self._client = client

    def send(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        kind: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
        **body: Any,
    ) -> httpx.Response:
        """Send one request. `path` goes out as it is; `body` is httpx's `json`, `data`, `files` or `content`."""
        return self.portal.call(partial(self.send_async, method, path, token, kind, headers, body))

    def send_together(
        self, calls: Sequence[Call], when_all_wait: Any, until: Callable[[], bool] = lambda: True
    ) -> list[httpx.Response]:
        """Send all at once and call `when_all_wait` once every request waits for something, and `until` holds."""

        async def send_all() -> list[httpx.Response]:
            answers: list[httpx.Response | None] = [None] * len(calls)

            async def send(index: int) -> None:
                answers[index] = await self.send_async(**calls[index])

            async with anyio.create_task_group() as tasks:
                for index in range(len(calls)):
                    tasks.start_soon(send, index)
                with anyio.fail_after(30):
                    await anyio.wait_all_tasks_blocked()
                    while not until():
                        await anyio.lowlevel.checkpoint()
                when_all_wait()
            return [answer for answer in answers if answer is not None]

        return self.portal.call(send_all)

    async def send_async(
        self,
        method: str,
        path: str,
        token: str | None = None,
        kind: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
        body: Mapping[str, Any] = MappingProxyType({}),
    ) -> httpx.Response:
        texts = list(headers)
        if token is not None:
            texts.append(("Authorization", f"Bearer {token}"))
        if kind is not None:
            texts.append(("Content-Type", kind))
        sent = [(name.encode("latin-1"), text.encode("latin-1")) for name, text in texts]
        return await self._client.request(method, f"http://abaco.test{path}", headers=sent, **body)


@contextmanager
def open_http(app: App) -> Iterator[Http]:
    with start_blocking_portal() as portal:
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app))
        try:
            yield Http(app, portal, client)
        finally:
            portal.call(client.aclose)


async def chunked(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    """A body of unknown length."""
    for piece in pieces:
        yield piece


def result_of(response: httpx.Response) -> Any:
    """What a successful envelope holds."""
    body = response.json()
    assert response.status_code == 200, body
    assert set(body) == {"message", "status", "version", "result"}
    assert body["status"] == "success"
    return body["result"]
