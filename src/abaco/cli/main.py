"""The whole command line in one place: its verbs, and what becomes of whatever they raise."""

import io
import sys
import time
from collections.abc import Sequence
from typing import Annotated

import httpx
import typer

from abaco import __version__
from abaco.cli import (
    actors,
    aliases,
    configs,
    deploy,
    describe,
    doctor,
    executions,
    explain,
    images,
    init,
    login,
    logs,
    mailbox,
    nonces,
    permissions,
    results,
    search,
    send,
    server_verbs,
    state,
    top,
    workers,
)
from abaco.cli.exits import EXIT_CODES_HELP, FAILED, INTERRUPTED, exit_code
from abaco.cli.output import printable
from abaco.cli.session import Session, session_of
from abaco.client import Clock
from abaco.errors import AbacoError, InvalidCredentials, NotAuthenticated

__all__ = ["build_app", "run"]


def run(
    arguments: Sequence[str] | None = None,
    *,
    transport: httpx.BaseTransport | None = None,
    clock: Clock = time,
) -> int:
    """Run ``abaco arguments...`` (default: the process's own) and return its exit code; nothing is raised.

    `transport` and `clock` stand in for network and time in tests.
    """
    _spare_encoding_errors()
    try:
        command = typer.main.get_command(build_app())
        session = Session(transport=transport, clock=clock)
        code = command.main(arguments, prog_name="abaco", standalone_mode=False, obj=session)
    except AbacoError as error:
        return _fail(_hinted(error), exit_code(error))
    except typer.TyperException as error:
        return _usage(error)
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except OSError as error:
        return _fail(str(error), FAILED)
    except Exception as error:  # noqa: BLE001  users see one line, whatever is wrong with us
        return _fail(f"unexpected {type(error).__name__}: {error}; please report this", FAILED)
    return code if isinstance(code, int) else 0


def _spare_encoding_errors() -> None:
    """Have text that a terminal's encoding has no characters for replaced, not refused. Bytes stay as they are."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors in {"strict", "surrogateescape"}:
            stream.reconfigure(errors="replace")


def build_app() -> typer.Typer:
    """All verbs; building it imports nothing of the server."""
    app = typer.Typer(no_args_is_help=True, epilog=EXIT_CODES_HELP)
    app.callback()(_abaco)
    login.register(app)
    nouns = typer.Typer(no_args_is_help=True, help="Register, look at, change and delete actors.")
    actors.register(nouns)
    describe.register(nouns)
    app.add_typer(nouns, name="actors")
    for verbs in (send, executions, explain, logs, results, state, mailbox, workers):
        verbs.register(app)
    for verbs in (permissions, nonces, aliases, configs, search, images, init, deploy, top, doctor):
        verbs.register(app)
    server_verbs.register(app)
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"abaco {__version__}")
        raise typer.Exit


def _abaco(
    ctx: typer.Context,
    server: Annotated[
        str | None,
        typer.Option(envvar="ABACO_SERVER", metavar="URL", help="The server to talk to, instead of login's."),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(envvar="ABACO_TOKEN", metavar="T", help="The access token, instead of login's."),
    ] = None,
    _version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_print_version, help="Show the version and exit."),
    ] = False,
) -> None:
    """Functions-as-a-service for research computing: one container per message."""
    session = session_of(ctx)
    session.server, session.token = server, token


def _hinted(error: AbacoError) -> str:
    if isinstance(error, NotAuthenticated | InvalidCredentials):
        return f"{error} ('abaco login' checks and stores both server and token)"
    return str(error)


def _usage(error: typer.TyperException) -> int:
    # A group without a verb has printed its help already and has nothing to add.
    text = error.format_message()
    if text:
        context: typer.Context | None = getattr(error, "ctx", None)
        hint = f" (see '{context.command_path} --help')" if context else ""
        return _fail(f"{text}{hint}", error.exit_code)
    return error.exit_code


def _fail(text: str, code: int) -> int:
    sys.stderr.write(f"abaco: error: {printable(text)}\n")
    return code
