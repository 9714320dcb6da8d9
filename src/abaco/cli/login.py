"""`abaco login`: check a token and remember it."""

import sys
from typing import Annotated

import typer

from abaco.cli.session import session_of
from abaco.client import credentials
from abaco.errors import InvalidInput

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    app.command("login", epilog="Example: abaco login --server http://localhost:8000")(_login)


def _login(
    ctx: typer.Context,
    server: Annotated[str | None, typer.Option(metavar="URL", help="The server; by default the last one.")] = None,
    token: Annotated[
        str | None,
        typer.Option(metavar="T", help="The access token; by default asked for, or read from stdin."),
    ] = None,
) -> None:
    """Check an access token with the server and store both for the other verbs."""
    session = session_of(ctx)
    address = server or session.server or _stored_server()
    secret = token or session.token or _ask_token(address)
    with session.open(address, secret) as ab:
        ab.actors.list(limit=1)  # whatever there is to be read, the token is good
    file = credentials.write(credentials.Credentials(server=address.strip().rstrip("/"), token=secret))
    typer.echo(f"Logged in to {address}; stored in {file}.")


def _stored_server() -> str:
    stored = credentials.read()
    if stored is None:
        raise InvalidInput("which server? Give --server URL, such as http://localhost:8000.")
    return stored.server


def _ask_token(server: str) -> str:
    """Typed without an echo, or from a pipe: a token on the command line is seen by everybody on the machine."""
    if sys.stdin.isatty():
        return str(typer.prompt(f"Access token for {server}", hide_input=True, err=True)).strip()
    return sys.stdin.readline().strip()
