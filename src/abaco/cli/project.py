"""``actor.toml``: what `abaco deploy` makes of a directory."""

import tomllib
from pathlib import Path
from typing import Any, Final

import msgspec

from abaco.client import ActorAttributes
from abaco.errors import InvalidInput

__all__ = ["PROJECT_FILE", "Project", "read_project"]

PROJECT_FILE: Final = "actor.toml"


class Build(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`bases` stand in for the image of FROM where no program builds images; the first that the server has."""

    bases: tuple[str, ...] = ()


class Project(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The actor's `name`, the `image` that is pushed, a test `message`, and the `actor`'s other attributes."""

    name: str
    image: str = ""
    message: str | dict[str, Any] | list[Any] = "hello"
    actor: dict[str, Any] = {}
    build: Build = Build()

    @property
    def image_name(self) -> str:
        return self.image or self.name


def read_project(directory: Path) -> Project:
    """Raises InvalidInput, with the file's name, for whatever is wrong with it."""
    file = directory / PROJECT_FILE
    try:
        project = msgspec.convert(tomllib.loads(file.read_text("utf-8")), Project)
    except FileNotFoundError:
        raise InvalidInput(f"{directory} has no {PROJECT_FILE}: 'abaco init {directory}' writes one.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise InvalidInput(f"{file}: {error}.") from None
    unknown = project.actor.keys() - (ActorAttributes.__annotations__.keys() - {"name"})
    if unknown:
        raise InvalidInput(f"{file}: [actor] has unknown attributes: {', '.join(sorted(unknown))}.")
    return project
