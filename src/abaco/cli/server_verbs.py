"""The server's verbs as the base install knows them: names and one line of help; the rest is imported on use."""

from collections.abc import Sequence
from importlib import import_module

import typer

from abaco.errors import AbacoError

__all__ = ["register"]

_HELP = {
    "run": "Run one execution on this machine, without a server.",
    "serve": "Start the server.",
    "admin": "Administer this server: users, tokens, images.",
    "settings": "Show the server's settings and what they mean.",
}
# Every argument belongs to the real verb, its --help included.
_PASS_ALL = {"ignore_unknown_options": True, "allow_extra_args": True, "allow_interspersed_args": False}


def register(app: typer.Typer) -> None:
    for name, line in _HELP.items():
        app.command(
            name,
            help=line,
            add_help_option=False,
            context_settings=_PASS_ALL,
        )(_forward)


def _forward(ctx: typer.Context) -> None:
    code = _run(str(ctx.info_name), ctx.args)
    if code:
        raise typer.Exit(code)


def _run(verb: str, arguments: Sequence[str]) -> int:
    """Run the real verb and return its exit code. Raises AbacoError if the server is not installed."""
    app = typer.Typer(add_completion=False)
    _register_real(app, verb)
    code = typer.main.get_group(app).main([verb, *arguments], prog_name="abaco", standalone_mode=False)
    return code if isinstance(code, int) else 0


def _register_real(app: typer.Typer, verb: str) -> None:
    try:
        import_module("abaco.cli.server").register(app)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing.startswith("abaco.") and missing != "abaco.cli.server":
            raise  # not an extra that was left out but a mistake of ours
        raise AbacoError(f"'abaco {verb}' needs the server: pip install 'abaco-actors[server]'") from error
