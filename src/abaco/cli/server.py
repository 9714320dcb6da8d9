"""The server's verbs: serve, admin, settings."""

import typer

from abaco.cli import admin, serve, settings

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    serve.register(app)
    settings.register(app)
    admin.register(app)
