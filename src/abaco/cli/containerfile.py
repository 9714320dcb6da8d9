"""Containerfiles that copy files and set what an image says of itself: to build those is to write a layer."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from abaco.errors import InvalidInput

__all__ = ["NAMES", "Copy", "Recipe", "containerfile_in", "read_recipe"]

NAMES: Final = ("Containerfile", "Dockerfile")
_SHELL: Final = ("/bin/sh", "-c")
_PAIR: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*=")


@dataclass(frozen=True)
class Copy:
    """`sources` are relative to the project; `target` is absolute, and a directory if it ends with a slash."""

    sources: tuple[str, ...]
    target: str


@dataclass
class Recipe:
    """The image it stands on, what is copied there, and what of the configuration changes."""

    base: str
    copies: list[Copy] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    command: list[str] | None = None
    entrypoint: list[str] | None = None
    directory: str | None = None
    user: str | None = None

    def configured(self, base: Mapping[str, Any]) -> dict[str, Any]:
        """The ``config`` object of the image, made of that of its base."""
        config = dict(base)
        variables = dict(each.partition("=")[::2] for each in config.get("Env") or [])
        config["Env"] = [f"{name}={value}" for name, value in (variables | self.environment).items()]
        if self.labels:
            config["Labels"] = (config.get("Labels") or {}) | self.labels
        if self.entrypoint is not None:
            config["Entrypoint"] = self.entrypoint
            config.pop("Cmd", None)  # the base's was for its own entry point
        said = {"Cmd": self.command, "WorkingDir": self.directory, "User": self.user}
        return config | {key: value for key, value in said.items() if value is not None}


def containerfile_in(project: Path) -> Path:
    """Raises InvalidInput if there is none."""
    found = next((project / name for name in NAMES if (project / name).is_file()), None)
    if found is None:
        raise InvalidInput(f"{project} has no Containerfile: 'abaco init' writes one.")
    return found


def read_recipe(file: Path) -> Recipe:
    """Raises InvalidInput for what takes a program that builds images."""
    recipe: Recipe | None = None
    for number, line in _instructions(file):
        try:
            recipe = _next(recipe, line)
        except (_Unknown, ValueError):
            raise InvalidInput(
                f"{file.name}, line {number}: {line[:60]!r} takes podman, docker or buildah, and none works here. "
                "Without them: one FROM; COPY, ENV, WORKDIR, USER, LABEL, ENTRYPOINT, CMD in their simple forms."
            ) from None
    if recipe is None:
        raise InvalidInput(f"{file.name} has no FROM: say which image it stands on.")
    return recipe


def _next(recipe: Recipe | None, line: str) -> Recipe:
    """`recipe` with one more instruction."""
    word, _, rest = line.partition(" ")
    instruction, rest = word.upper(), rest.strip()
    if recipe is None:
        if instruction != "FROM" or len(rest.split()) != 1 or "$" in rest:
            raise _Unknown
        return Recipe(rest)
    _apply(recipe, instruction, rest)
    return recipe


class _Unknown(Exception):
    """An instruction, or a form of it, that is not known here."""


def _instructions(file: Path) -> Iterator[tuple[int, str]]:
    """Each instruction on one line, with the number of its first."""
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} cannot be read: {error}.") from None
    begun, pending = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        begun = begun if pending else number
        pending += line.strip()
        if pending.endswith("\\"):
            pending = f"{pending[:-1].rstrip()} "
            continue
        yield begun, pending
        pending = ""
    if pending:
        yield begun, pending.strip()


def _apply(recipe: Recipe, instruction: str, rest: str) -> None:
    if not rest or rest.startswith("--") or ("$" in rest and instruction not in {"CMD", "ENTRYPOINT"}):
        raise _Unknown
    match instruction:
        case "COPY":
            *sources, target = _listed(rest) or shlex.split(rest)
            if not sources or (len(sources) > 1 and not target.endswith("/")):
                raise _Unknown
            recipe.copies.append(Copy(tuple(sources), _absolute(target, recipe.directory)))
        case "ENV":
            recipe.environment |= _pairs(rest)
        case "LABEL":
            recipe.labels |= _pairs(rest)
        case "WORKDIR":
            recipe.directory = _absolute(rest, recipe.directory)
        case "USER":
            recipe.user = rest
        case "CMD":
            recipe.command = _listed(rest) or [*_SHELL, rest]
        case "ENTRYPOINT":
            recipe.entrypoint = _listed(rest) or [*_SHELL, rest]
        case _:
            raise _Unknown


def _listed(rest: str) -> list[str]:
    """The texts of a JSON list; none if it is something else."""
    if not rest.startswith("["):
        return []
    found = json.loads(rest)
    return found if all(isinstance(each, str) for each in found) else []


def _pairs(rest: str) -> dict[str, str]:
    words: Sequence[str] = shlex.split(rest)
    if not all(_PAIR.match(word) for word in words):
        raise _Unknown
    return dict(word.partition("=")[::2] for word in words)


def _absolute(target: str, directory: str | None) -> str:
    if target.startswith("/"):
        return target
    if target in {".", "./"}:
        target = ""
    return f"{(directory or '/').rstrip('/')}/{target.removeprefix('./')}"
