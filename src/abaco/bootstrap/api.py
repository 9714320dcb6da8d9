"""The `api` role."""

import anyio

from abaco.api.app import build_app
from abaco.api.bells import Bells
from abaco.api.server import serve_app
from abaco.bootstrap.keys import read_keys
from abaco.bootstrap.parts import SystemClock, open_store, run_directory, tune_interpreter
from abaco.bootstrap.runtimes import open_images
from abaco.bootstrap.services import build_services
from abaco.notify.local import API, ENGINE, LocalListener, LocalNotifier
from abaco.settings import Settings
from abaco.telemetry import Telemetry

__all__ = ["run_api"]


def run_api(settings: Settings) -> None:
    """The `api` role: answer requests until a signal."""
    telemetry = Telemetry("api", settings.log_level)
    store = open_store(settings)
    notifier, listener = LocalNotifier(run_directory(settings), ENGINE), LocalListener(run_directory(settings), API)
    bells, clock, keys = Bells(), SystemClock(), read_keys(settings)
    try:
        with open_images(settings) as images:
            services = build_services(store, images, clock, notifier, telemetry.emit, settings, keys)
            app = build_app(services, settings, telemetry.log, bells)
            tune_interpreter()
            anyio.run(serve_app, app, settings, bells, listener, backend_options={"use_uvloop": True})
    finally:
        listener.close()
        notifier.close()
        store.close()
