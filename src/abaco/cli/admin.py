"""`abaco admin`: what an administrator does on the server's own machine, with the server running or stopped."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from abaco.bootstrap import Admin, open_admin
from abaco.cli.output import print_table
from abaco.domain.moment import iso
from abaco.domain.tenant import Tenant
from abaco.domain.user import Role, User, require_role
from abaco.errors import InvalidInput
from abaco.settings import Settings, read_settings

__all__ = ["register"]

_TenantOption = Annotated[str | None, typer.Option(help="Tenant; default the setting default_tenant.")]


def register(app: typer.Typer) -> None:
    admin = typer.Typer(no_args_is_help=True, help="Administer this server: tenants, users, tokens, images.")
    admin.callback()(_where)
    tenant, user, image = (typer.Typer(no_args_is_help=True, help=text) for text in ("Tenants.", "Users.", "Images."))
    tenant.command("add")(_tenant_add)
    user.command("add")(_user_add)
    image.command("import")(_image_import)
    image.command("list")(_image_list)
    for noun, name in ((tenant, "tenant"), (user, "user"), (image, "image")):
        admin.add_typer(noun, name=name)
    admin.command("token")(_token)
    admin.command("rotate-key")(_rotate_key)
    app.add_typer(admin, name="admin")


def _where(
    ctx: typer.Context,
    data: Annotated[Path | None, typer.Option(help="The server's data directory.")] = None,
    database: Annotated[str | None, typer.Option(help="postgresql:// URL, if the server uses one.")] = None,
) -> None:
    ctx.obj = {"data": data, "database": database}


@contextmanager
def _admin(ctx: typer.Context, *, create: bool = True) -> Iterator[tuple[Admin, Settings]]:
    """Verbs that only read or use what is there do not `create` a data directory where there is none."""
    settings, _ = read_settings(ctx.obj, os.environ)
    with open_admin(settings, create=create) as admin:
        yield admin, settings


def _tenant_add(
    ctx: typer.Context,
    tenant: Annotated[str, typer.Argument(help="Its id, such as DEV-DEVELOP.")],
    api_server: Annotated[str | None, typer.Option(help="Base URL its users reach the API at.")] = None,
) -> None:
    """Add a tenant, or change the base URL of one."""
    with _admin(ctx) as (admin, _):
        admin.tenants.add(Tenant(tenant, api_server))
    typer.echo(f"Tenant {tenant} is there.")


def _user_add(
    ctx: typer.Context,
    name: str,
    password: Annotated[
        str,
        typer.Option(
            prompt=True, hide_input=True, confirmation_prompt=True, help="Their password; asked for if left out."
        ),
    ],
    tenant: _TenantOption = None,
    role: Annotated[list[str] | None, typer.Option(help=f"One of {', '.join(Role)}; repeatable; default user.")] = None,
    uid: Annotated[int | None, typer.Option(min=0, help="User id their containers run as.")] = None,
    gid: Annotated[int | None, typer.Option(min=0, help="Group id their containers run as.")] = None,
) -> None:
    """Add a user, or replace the password, roles and ids of one."""
    if gid is not None and uid is None:
        raise InvalidInput("--gid needs --uid.")
    roles = frozenset(require_role(text) for text in role or [Role.USER])
    with _admin(ctx) as (admin, settings):
        user = User(tenant or settings.default_tenant, name, roles, uid, gid)
        admin.users.add(user, password)
    typer.echo(f"User {name} of tenant {user.tenant} is there.")


def _token(ctx: typer.Context, name: str, tenant: _TenantOption = None) -> None:
    """Print a new bearer token of a user. It is shown this once; the server keeps only its hash."""
    with _admin(ctx, create=False) as (admin, settings):
        typer.echo(admin.users.issue_token(tenant or settings.default_tenant, name))


def _rotate_key(
    ctx: typer.Context,
    forget_former: Annotated[
        bool,
        typer.Option("--forget-former", help="Make no new key, but drop the former ones; some minutes after rotating."),
    ] = False,
) -> None:
    """Give secret configs and nonces a new encryption key, with the server running or stopped."""
    with _admin(ctx, create=False) as (admin, _):
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
    with _admin(ctx) as (admin, _):
        record = admin.images.import_archive(archive, name)
    typer.echo(f"{record.name} {record.digest}")


def _image_list(ctx: typer.Context) -> None:
    """List the images this server knows by name."""
    with _admin(ctx, create=False) as (admin, _):
        rows = [(image.name, image.digest, image.source, iso(image.created_at) or "") for image in admin.images.list()]
    print_table(("NAME", "DIGEST", "SOURCE", "SINCE"), rows)
