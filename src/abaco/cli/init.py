"""`abaco init`: a small project that deploys as it is."""

import re
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from abaco.cli.output import note
from abaco.cli.templates import GUEST, LANGUAGES, TEMPLATES
from abaco.errors import Conflict, InvalidInput

__all__ = ["register"]

_NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")


def register(app: typer.Typer) -> None:
    app.command("init", epilog="Example: abaco init wordcount --language python")(_init)


def _init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where to; made if it is not there.")] = Path(),
    language: Annotated[str, typer.Option(metavar="NAME", help=f"{', '.join(LANGUAGES)}.")] = "python",
    name: Annotated[str | None, typer.Option(help="The actor's name; by default the directory's.")] = None,
) -> None:
    """Write a small actor that 'abaco deploy' deploys as it is."""
    if language not in TEMPLATES:
        raise InvalidInput(f"--language: {language[:40]!r} is none of {', '.join(LANGUAGES)}.")
    called = name or directory.resolve().name.lower()
    if _NAME.fullmatch(called) is None:
        raise InvalidInput(f"{called[:80]!r} cannot name the actor and its image: give --name, such as word-count.")
    contents = {path: text.replace("{name}", called) for path, text in TEMPLATES[language].items()}
    if language == "python":
        contents |= {"abaco/__init__.py": "", GUEST: (files("abaco") / "actors.py").read_text("utf-8")}
    there = [path for path in contents if (directory / path).exists()]
    if there:
        raise Conflict(f"{directory} has {', '.join(there)} already: choose another directory.")
    for path, text in contents.items():
        _write(directory / path, text)
    note(f"wrote {', '.join(contents)} to {directory}; next: abaco deploy {directory}")


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    if text.startswith("#!"):
        file.chmod(0o755)
