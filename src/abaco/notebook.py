"""The notebook's ``%%actor``, which turns a cell into a registered actor. Load it with ``%load_ext abaco.notebook``."""

import argparse
import shlex
from typing import TYPE_CHECKING, NoReturn

from IPython.core.error import UsageError

from abaco.client import Abaco, ActorAttributes, ActorHandle
from abaco.client.assignments import variables
from abaco.client.ownership import own
from abaco.errors import AbacoError

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["CELL", "IMAGE", "load_ipython_extension"]

IMAGE = "abacosamples/py3_cell"
"""Runs the program in the variable `CELL`."""
CELL = "ABACO_CELL"
_READY_SECONDS = 300.0


def load_ipython_extension(shell: "InteractiveShell") -> None:
    """What ``%load_ext`` calls."""
    # The decorator around it hides its signature.
    shell.register_magic_function(_Magic(shell).actor, "cell", "actor")  # type: ignore[arg-type]


class _Arguments(argparse.Namespace):
    name: str
    image: str
    stateful: bool
    hint: list[str]
    env: list[str]
    client: str | None


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"%%actor: {message}\n{self.format_usage()}")


def _parser() -> _Parser:
    parser = _Parser(prog="%%actor", add_help=False)
    parser.add_argument("name", help="the actor's name, and that of the variable which stands for it then")
    parser.add_argument("--image", default=IMAGE, help=f"an image that runs the program in the variable {CELL}")
    parser.add_argument("--stateful", action="store_true", help="keep a state and process one message at a time")
    parser.add_argument("--hint", action="append", default=[], help="a tag of the actor; may be repeated")
    parser.add_argument(
        "--env", action="append", default=[], metavar="NAME=VALUE", help="a variable of every execution"
    )
    parser.add_argument("--client", metavar="VARIABLE", help="an Abaco of this notebook; by default a new Abaco()")
    return parser


def _given(line: str) -> _Arguments:
    parser = _parser()
    try:
        words = shlex.split(line)
    except ValueError as error:  # a quote that is not closed
        parser.error(str(error))
    return parser.parse_args(words, _Arguments())


class _Magic:
    def __init__(self, shell: "InteractiveShell") -> None:
        self._shell = shell

    def actor(self, line: str, cell: str) -> ActorHandle:
        """Register the cell as an actor, or update it, wait until it is ready, and give it its name here."""
        given = _given(line)
        if not given.name.isidentifier():
            raise UsageError(f"%%actor: {given.name!r} cannot be the name of a variable.")
        try:
            compile(cell, "<cell>", "exec")
            handle = self._registered(given, cell)
        except SyntaxError as error:
            raise UsageError(f"%%actor: line {error.lineno} of the cell: {error.msg}.") from None
        except AbacoError as error:
            raise UsageError(f"%%actor: {error}") from None
        self._shell.user_ns[given.name] = handle
        return handle

    def _registered(self, given: _Arguments, cell: str) -> ActorHandle:
        ab = self._client(given.client)
        attributes: ActorAttributes = {
            "stateless": not given.stateful,
            "hints": given.hint,
            "default_environment": {**variables(given.env), CELL: cell},
        }
        known = own(ab, (each for each in ab.actors.list() if each.name == given.name))
        if len(known) > 1:
            raise UsageError(f"%%actor: {len(known)} actors are called {given.name}: delete what is too many.")
        if known:
            actor = ab.actors.update(known[0].id, given.image, **attributes)
        else:
            attributes["name"] = given.name
            actor = ab.actors.add(given.image, **attributes)
        handle = ab.actor(actor.id)
        ready = handle.wait(_READY_SECONDS)
        if ready.status == "ERROR":
            raise UsageError(f"%%actor: the actor is in ERROR: {ready.status_message}")
        return handle

    def _client(self, variable: str | None) -> Abaco:
        if variable is None:
            return Abaco()
        ab = self._shell.user_ns.get(variable)
        if not isinstance(ab, Abaco):
            raise UsageError(f"%%actor: --client {variable} is no Abaco of this notebook.")
        return ab
