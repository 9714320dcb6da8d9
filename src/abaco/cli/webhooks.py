"""`abaco admin webhook-key`."""

import typer

from abaco.bootstrap.keys import webhook_secret
from abaco.cli.opened import TenantOption, opened
from abaco.domain.webhook import owner_key
from abaco.errors import NotFound

__all__ = ["register"]


def register(admin: typer.Typer) -> None:
    admin.command("webhook-key")(_webhook_key)


def _webhook_key(ctx: typer.Context, name: str, tenant: TenantOption = None) -> None:
    """Print the key that signs the webhooks of a user's actors."""
    with opened(ctx, create=False) as (admin, settings):
        where = tenant or settings.default_tenant
        if admin.store.tenants.find(where) is None:
            raise NotFound(f"There is no tenant {where}.")
        typer.echo(owner_key(webhook_secret(settings), where, name))
