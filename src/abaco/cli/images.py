"""`abaco image push|list`: images on the server, without a registry."""

from typing import Annotated

import typer

from abaco.cli.output import Format, moment, note, print_table, report
from abaco.cli.parameters import OutputOption
from abaco.cli.progress import sending
from abaco.cli.session import connect

__all__ = ["register", "size_text"]

_UNIT = 1000


def register(app: typer.Typer) -> None:
    images = typer.Typer(no_args_is_help=True, help="Push images to the server, and list those that are there.")
    images.command("push", epilog="Example: abaco image push docker:lab/wc wc:1.0")(_push)
    images.command("list", epilog="Example: abaco image list -o json")(_list)
    app.add_typer(images, name="image")


def _push(
    ctx: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="An OCI directory, an archive (OCI, or of docker save), docker:NAME or podman:NAME.",
            show_default=False,
        ),
    ],
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="One of your own, such as wc:1.0; by default the source's."),
    ] = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """Send an image to the server, as far as it lacks it, and print the name to register actors with."""
    with connect(ctx) as ab, sending(f"pushing {source}") as tell:
        pushed = ab.images.push(source, name, tell)
    note(f"{pushed.blobs_sent} blobs sent, {size_text(pushed.bytes_sent)}")
    report(output, pushed.raw, lambda: typer.echo(pushed.name))


def _list(ctx: typer.Context, output: OutputOption = Format.TABLE) -> None:
    """List the images that were imported for everybody, or pushed in your tenant."""
    with connect(ctx) as ab:
        images = ab.images.list()
    rows = [(image.name, image.digest, image.source, moment(image.create_time)) for image in images]
    report(
        output,
        [image.raw for image in images],
        lambda: print_table(("NAME", "DIGEST", "SOURCE", "SINCE (UTC)"), rows),
    )


def size_text(size: float) -> str:
    """A number of bytes for people."""
    for unit in ("bytes", "kB", "MB"):
        if size < _UNIT:
            return f"{size:.3g} {unit}"
        size /= _UNIT
    return f"{size:.3g} GB"
