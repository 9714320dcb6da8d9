"""`abaco serve`."""

import os
from pathlib import Path
from typing import Annotated

import typer

from abaco.bootstrap.parts import prepare_data
from abaco.settings import read_settings
from abaco.supervisor import Supervisor

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    app.command("serve", epilog="Example: abaco serve --data ~/abaco --port 8000")(_serve)


def _serve(
    data: Annotated[Path | None, typer.Option(help="Directory of everything the server keeps.")] = None,
    port: Annotated[int | None, typer.Option(help="TCP port of the API.")] = None,
    host: Annotated[str | None, typer.Option(help="Address the API listens on.")] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="PEM certificate chain: speak https.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM private key.")] = None,
    runtime: Annotated[str | None, typer.Option(help="What starts containers: crun.")] = None,
    database: Annotated[str | None, typer.Option(help="postgresql:// URL; default a SQLite file.")] = None,
    pool: Annotated[str | None, typer.Option(help="Where workers live: local.")] = None,
) -> None:
    """Start the API and the engine; Ctrl-C or SIGTERM stops them. `abaco settings` lists all that can be set."""
    flags = {
        "data": data,
        "port": port,
        "host": host,
        "tls_cert": tls_cert,
        "tls_key": tls_key,
        "runtime": runtime,
        "database": database,
        "pool": pool,
    }
    settings, _ = read_settings(flags, os.environ)
    prepare_data(settings)
    code = Supervisor(settings, typer.echo).run()
    raise typer.Exit(code)
