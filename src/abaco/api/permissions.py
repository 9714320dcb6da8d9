"""``.../permissions`` of actors, aliases and configs: one pair of handlers, made for each kind."""

from typing import Any

from litestar import Request, get, post
from litestar.handlers import BaseRouteHandler

from abaco.api import schemas
from abaco.api.auth import Caller, credentials_of
from abaco.api.documents import documented
from abaco.api.params import read_params
from abaco.api.wire import Wire
from abaco.domain.permission import Level
from abaco.services.permissions import Permissions

__all__ = ["permission_routes"]


def permission_routes(
    root: str, parameter: str, kind: str, permissions: Permissions, caller: Caller, wire: Wire
) -> list[BaseRouteHandler]:
    """Routes below `root`, whose path parameter `parameter` names the object; `kind` is "", "Alias" or "Config"."""
    path = f"{root}/permissions"

    @get(path, **documented(f"get{kind}Permissions", "List who may do what.", schemas.Permissions))
    async def get_permissions(request: Request[Any, Any, Any]) -> Any:
        name = request.path_params[parameter]
        entries = await caller.call(request, lambda who: permissions.entries(who, name))
        return wire.success("Permissions retrieved successfully.", _shown(entries))

    @post(
        path,
        **documented(
            f"update{kind}Permissions", "Add or replace one user's level.", schemas.Permissions, body=schemas.Grant
        ),
    )
    async def update_permissions(request: Request[Any, Any, Any]) -> Any:
        credentials_of(request)  # before the body: a stranger is told so at once
        name = request.path_params[parameter]
        params = await read_params(request)
        user, level = params.text("user"), params.text("level")
        entries = await caller.call(request, lambda who: permissions.grant(who, name, user, level))
        return wire.success("Permission added successfully.", _shown(entries))

    return [get_permissions, update_permissions]


def _shown(entries: dict[str, Level]) -> dict[str, str]:
    """Users are not names of ours: they are spelled alike everywhere."""
    return {username: level.name for username, level in entries.items()}
