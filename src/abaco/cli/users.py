"""`abaco admin user`, and what else ends or begins a user's access: `token`, `revoke`."""

import sys
from typing import Annotated

import typer

from abaco.cli.opened import TenantOption, opened
from abaco.cli.output import print_table
from abaco.domain.user import Role, User, require_role
from abaco.errors import InvalidInput

__all__ = ["register"]


def register(admin: typer.Typer) -> None:
    user = typer.Typer(no_args_is_help=True, help="Users.")
    user.command("add")(_add)
    user.command("list")(_list)
    user.command("remove")(_remove)
    admin.add_typer(user, name="user")
    admin.command("token")(_token)
    admin.command("revoke")(_revoke)


def _asked() -> str:
    """Typed without an echo, or from a pipe: a password on the command line is seen by everybody on the machine."""
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    return sys.stdin.readline().rstrip("\n")


def _add(
    ctx: typer.Context,
    name: str,
    password: Annotated[
        str | None,
        typer.Option(help="Their password; if left out it is asked for, or read from a pipe."),
    ] = None,
    tenant: TenantOption = None,
    role: Annotated[list[str] | None, typer.Option(help=f"One of {', '.join(Role)}; repeatable; default user.")] = None,
    uid: Annotated[int | None, typer.Option(min=0, help="User id their containers run as.")] = None,
    gid: Annotated[int | None, typer.Option(min=0, help="Group id their containers run as.")] = None,
    email: Annotated[str, typer.Option(help="Their address, for their profile.")] = "",
    first_name: Annotated[str, typer.Option(help="For their profile.")] = "",
    last_name: Annotated[str, typer.Option(help="For their profile.")] = "",
    phone: Annotated[str, typer.Option(help="For their profile.")] = "",
    mobile_phone: Annotated[str, typer.Option(help="For their profile.")] = "",
) -> None:
    """Add a user, or replace all that is known of one. Another password ends what they signed in to."""
    if gid is not None and uid is None:
        raise InvalidInput("--gid needs --uid.")
    roles = frozenset(require_role(text) for text in role or [Role.USER])
    told = {
        "email": email,
        "first_name": first_name,
        "last_name": last_name,
        "phone": phone,
        "mobile_phone": mobile_phone,
    }
    profile = {key: text for key, text in told.items() if text}
    with opened(ctx) as (admin, settings):
        user = User(tenant or settings.default_tenant, name, roles, uid, gid, profile)
        admin.users.add(user, _asked() if password is None else password)
    typer.echo(f"User {name} of tenant {user.tenant} is there.")


def _list(ctx: typer.Context, tenant: TenantOption = None) -> None:
    """List a tenant's users."""
    with opened(ctx, create=False) as (admin, settings):
        rows = [
            (
                user.name,
                ", ".join(sorted(user.roles)),
                "" if user.uid is None else str(user.uid),
                "" if user.gid is None else str(user.gid),
                user.profile.get("email", ""),
            )
            for user in admin.users.list(tenant or settings.default_tenant)
        ]
    print_table(("USER", "ROLES", "UID", "GID", "EMAIL"), rows)


def _remove(ctx: typer.Context, name: str, tenant: TenantOption = None) -> None:
    """Let a user in no more, by password, token, nonce or gateway. Their actors stay, and stay theirs."""
    with opened(ctx, create=False) as (admin, settings):
        admin.users.remove(tenant or settings.default_tenant, name)
    typer.echo(f"User {name} is removed.")


def _token(ctx: typer.Context, name: str, tenant: TenantOption = None) -> None:
    """Print a new bearer token of a user. It is shown this once; the server keeps only its hash."""
    with opened(ctx, create=False) as (admin, settings):
        typer.echo(admin.users.issue_token(tenant or settings.default_tenant, name))


def _revoke(ctx: typer.Context, name: str, tenant: TenantOption = None) -> None:
    """End all tokens, refresh tokens, OAuth clients and nonces of a user, at once. The password stays."""
    with opened(ctx, create=False) as (admin, settings):
        admin.users.revoke(tenant or settings.default_tenant, name)
    typer.echo(f"All that stood for {name} is revoked.")
