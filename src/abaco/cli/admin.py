"""`abaco admin`: what an administrator does on the server's own machine, with the server running or stopped."""

import fcntl
from pathlib import Path
from typing import Annotated

import typer

from abaco.cli import tenants, users, webhooks
from abaco.cli.opened import opened
from abaco.cli.output import print_table
from abaco.domain.moment import iso
from abaco.errors import Unavailable
from abaco.role import lock_path

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    admin = typer.Typer(no_args_is_help=True, help="Administer this server: tenants, users, tokens, images.")
    admin.callback()(_where)
    tenants.register(admin)
    users.register(admin)
    webhooks.register(admin)
    image = typer.Typer(no_args_is_help=True, help="Images.")
    image.command("import")(_image_import)
    image.command("list")(_image_list)
    image.command("prune")(_image_prune)
    admin.add_typer(image, name="image")
    admin.command("rotate-key")(_rotate_key)
    app.add_typer(admin, name="admin")


def _where(
    ctx: typer.Context,
    data: Annotated[Path | None, typer.Option(help="The server's data directory.")] = None,
    database: Annotated[str | None, typer.Option(help="postgresql:// URL, if the server uses one.")] = None,
) -> None:
    ctx.obj = {"data": data, "database": database}


def _rotate_key(
    ctx: typer.Context,
    forget_former: Annotated[
        bool,
        typer.Option("--forget-former", help="Make no new key, but drop the former ones; some minutes after rotating."),
    ] = False,
) -> None:
    """Give secret configs and nonces a new encryption key, with the server running or stopped."""
    with opened(ctx, create=False) as (admin, _):
        count = admin.rotation.forget_former() if forget_former else admin.rotation.rotate()
    kept = "Former keys are gone" if forget_former else "Former keys are kept until --forget-former"
    typer.echo(f"{count} secrets were sealed anew. {kept}.")


def _image_import(
    ctx: typer.Context,
    archive: Annotated[
        Path,
        typer.Argument(exists=True, dir_okay=False, help="An OCI or Docker archive (`docker save`)."),
    ],
    name: Annotated[str, typer.Argument(help="The name actors will use, such as abacosamples/wc.")],
) -> None:
    """Take in an image from an archive file."""
    with opened(ctx) as (admin, _):
        record = admin.images.import_archive(archive, name)
    typer.echo(f"{record.name} {record.digest}")


def _image_list(ctx: typer.Context) -> None:
    """List the images this server knows by name."""
    with opened(ctx, create=False) as (admin, _):
        rows = [(image.name, image.digest, image.source, iso(image.created_at) or "") for image in admin.images.list()]
    print_table(("NAME", "DIGEST", "SOURCE", "SINCE"), rows)


def _image_prune(ctx: typer.Context) -> None:
    """Remove the images that no name stands for any more; with the server stopped."""
    with opened(ctx, create=False) as (admin, settings), lock_path(settings, "serve").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unavailable(f"An Abaco server uses {settings.data}: stop it first.") from None
        count = admin.images.prune()
    typer.echo(f"{count} images are gone.")
