"""The server's verbs: serve, admin, settings; and run, which is a server for one execution."""

import typer

from abaco.cli import admin, run, serve, settings

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    serve.register(app)
    run.register(app)
    settings.register(app)
    admin.register(app)
