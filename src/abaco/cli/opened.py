"""The server's data, opened for a verb of `abaco admin`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from abaco.bootstrap.admin import Admin, open_admin
from abaco.settings import Settings, read_settings

__all__ = ["TenantOption", "opened"]

TenantOption = Annotated[str | None, typer.Option(help="Tenant; default the setting default_tenant.")]


@contextmanager
def opened(ctx: typer.Context, *, create: bool = True) -> Iterator[tuple[Admin, Settings]]:
    """Verbs that only read or use what is there do not `create` a data directory where there is none."""
    settings, _ = read_settings(ctx.obj, os.environ)
    with open_admin(settings, create=create) as admin:
        yield admin, settings
