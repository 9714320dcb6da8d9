"""From a project to its image, whichever way works here."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from abaco.cli.builders import built, working_builder
from abaco.cli.containerfile import containerfile_in, read_recipe
from abaco.cli.layering import FindBase, layered
from abaco.cli.output import note
from abaco.cli.project import Project
from abaco.client import LocalImage

__all__ = ["built_image"]

_NONE = "none"


@contextmanager
def built_image(find: FindBase, directory: Path, project: Project, builder: str | None) -> Iterator[LocalImage]:
    """The project's image, built by a program if one works here, else on one of the images that `find` finds."""
    containerfile = containerfile_in(directory)
    program = None if builder == _NONE else working_builder(builder)
    if program:
        with built(program, directory, containerfile, project.image_name) as image:
            note(f"{program} has built the image")
            yield image
    else:
        recipe = read_recipe(containerfile)
        with layered(find, recipe, project.build.bases, directory) as (image, base):
            note(f"built on {base}, without podman, docker or buildah")
            yield image
