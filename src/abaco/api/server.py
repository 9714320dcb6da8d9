"""Serving the application with Granian, in this process, until a signal."""

import signal

import anyio
from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server

from abaco.api.bells import Bells
from abaco.api.edge import App
from abaco.ports import Listener
from abaco.settings import Settings

__all__ = ["serve_app"]

_BACKLOG = 1024


async def serve_app(app: App, settings: Settings, bells: Bells, listener: Listener) -> None:
    """Answer requests until SIGTERM or SIGINT; requests under way are finished, but who follows a log is sent away."""
    server = Server(
        app,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.auto,
        websockets=False,
        backlog=_BACKLOG,
        log_enabled=False,
        ssl_cert=settings.tls_cert,
        ssl_key=settings.tls_key,
    )
    async with anyio.create_task_group() as tasks:

        async def stop_on_signal() -> None:
            with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
                async for _ in signals:
                    bells.close()
                    server.stop()  # type: ignore[no-untyped-call]
                    return

        tasks.start_soon(bells.listen, listener)
        tasks.start_soon(stop_on_signal)
        await server.serve()
        tasks.cancel_scope.cancel()
