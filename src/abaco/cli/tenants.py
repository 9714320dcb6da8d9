"""`abaco admin tenant`."""

from pathlib import Path
from typing import Annotated

import typer

from abaco.cli.opened import opened
from abaco.cli.output import print_table
from abaco.domain.tenant import Tenant
from abaco.services.signatures import public_key

__all__ = ["register"]


def register(admin: typer.Typer) -> None:
    tenant = typer.Typer(no_args_is_help=True, help="Tenants.")
    tenant.command("add")(_add)
    tenant.command("list")(_list)
    admin.add_typer(tenant, name="tenant")


def _add(
    ctx: typer.Context,
    tenant: Annotated[str, typer.Argument(help="Its id, such as DEV-DEVELOP.")],
    api_server: Annotated[str | None, typer.Option(help="Base URL its users reach the API at.")] = None,
    gateway_public_key: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="RSA public key of its gateway or Tapis: PEM or base64 DER."),
    ] = None,
) -> None:
    """Add a tenant, or change what is given of one."""
    key = gateway_public_key.read_text(errors="replace") if gateway_public_key else None
    if key is not None:
        public_key(key)  # a bad one is refused here, where somebody can do something about it
    with opened(ctx) as (admin, _):
        known = admin.tenants.find(tenant) or Tenant(tenant)
        admin.tenants.add(Tenant(tenant, api_server or known.api_server, key or known.gateway_public_key))
    typer.echo(f"Tenant {tenant} is there.")


def _list(ctx: typer.Context) -> None:
    """List the tenants."""
    with opened(ctx, create=False) as (admin, _):
        rows = [
            (tenant.id, admin.tenants.base_url(tenant), "yes" if tenant.gateway_public_key else "no")
            for tenant in admin.tenants.list()
        ]
    print_table(("TENANT", "API SERVER", "GATEWAY KEY"), rows)
