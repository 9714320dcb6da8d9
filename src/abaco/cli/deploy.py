"""`abaco deploy`: from a directory to an actor that has done something."""

from pathlib import Path
from typing import Annotated, Any

import typer

from abaco.cli.exits import code_of
from abaco.cli.images import size_text
from abaco.cli.output import note, print_bytes
from abaco.cli.progress import sending, waiting
from abaco.cli.project import Project, read_project
from abaco.cli.projects import built_image
from abaco.cli.session import connect
from abaco.client import Abaco, Actor, LocalImage, Pushed
from abaco.client.ownership import own
from abaco.errors import AbacoError, Conflict

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    app.command("deploy", epilog="Example: abaco deploy wordcount -m 'to be or not to be'")(_deploy)


def _deploy(
    ctx: typer.Context,
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The project, with its actor.toml.")] = Path(),
    message: Annotated[
        str | None, typer.Option("-m", "--message", metavar="TEXT", help="Another test message than the project's.")
    ] = None,
    test: Annotated[bool, typer.Option(help="Whether to send the test message.")] = True,
    builder: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="podman, docker, buildah or none; by default the first that works."),
    ] = None,
) -> None:
    """Build the project's image, push it, register or update the actor, and send a test message."""
    project = read_project(directory)
    with connect(ctx) as ab:
        with built_image(ab.images.manifest, directory, project, builder) as image:
            pushed = _push(ab, image, project)
        actor = _ready(ab, _registered(ab, project, pushed.name))
        if test:
            _try(ab, actor, project.message if message is None else message)


def _push(ab: Abaco, image: LocalImage, project: Project) -> Pushed:
    with sending(f"pushing {project.image_name}") as tell:
        pushed = ab.images.push(image, project.image_name, tell)
    note(f"pushed {pushed.name}: {pushed.blobs_sent} blobs sent, {size_text(pushed.bytes_sent)}")
    return pushed


def _registered(ab: Abaco, project: Project, image: str) -> Actor:
    """The user's actor with the project's name, made or updated. Raises Conflict if there are several."""
    mine = own(ab, (actor for actor in ab.actors.list() if actor.name == project.name))
    if len(mine) > 1:
        raise Conflict(
            f"you have {len(mine)} actors called {project.name} ({', '.join(actor.id for actor in mine)}): "
            "delete all but one, or give the project another name."
        )
    if not mine:
        return ab.actors.add(image, name=project.name, **project.actor)
    said: dict[str, Any] = {**mine[0].attributes(), **project.actor}
    return ab.actors.update(mine[0].id, image, force=True, **said)


def _ready(ab: Abaco, actor: Actor) -> Actor:
    with waiting(f"actor {actor.id}") as tell:
        actor = ab.actors.wait(actor.id, on_change=tell)
    if actor.status == "ERROR":
        raise AbacoError(f"actor {actor.id} is in ERROR: {actor.status_message}")
    note(f"actor {actor.name} ({actor.id}) is READY, revision {actor.revision}")
    return actor


def _try(ab: Abaco, actor: Actor, message: Any) -> None:
    """Send the message and print the log as it comes. Exits as the execution did."""
    kind = {"text": message} if isinstance(message, str) else {"json": message}
    execution_id = ab.messages.send(actor.id, **kind).execution_id
    note(f"execution {execution_id} of {message if isinstance(message, str) else 'the test message'!r}:")
    for text in ab.logs.follow(actor.id, execution_id):
        print_bytes(text.encode())
    raise typer.Exit(code_of(ab.executions.wait(actor.id, execution_id)))
