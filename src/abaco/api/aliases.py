"""``/actors/aliases``: list, create, get, retarget, delete."""

from typing import Any
from urllib.parse import quote

from litestar import Request, delete, get, post, put
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath

from abaco.api import schemas
from abaco.api.auth import Caller, credentials_of
from abaco.api.documents import documented
from abaco.api.params import read_params, surface_of
from abaco.api.surface import CANONICAL_ROOT, Surface
from abaco.api.wire import Wire
from abaco.domain.alias import Alias
from abaco.errors import InvalidInput
from abaco.services.aliases import Aliases

__all__ = ["ALIAS_PATH", "alias_routes"]

_ALL = CANONICAL_ROOT + "/aliases"
ALIAS_PATH = _ALL + "/{alias:str}"


def _fields(surface: Surface, alias: Alias) -> dict[str, Any]:
    return {
        "alias": alias.alias,
        "actor_id": alias.actor_id,
        "owner": alias.owner,
        "_links": {
            "self": f"{alias.api_server}{surface.links}/aliases/{quote(alias.alias)}",
            "owner": f"{alias.api_server}{surface.profiles}/{alias.owner}",
            "actor": f"{alias.api_server}{surface.links}/{alias.actor_id}",
        },
    }


def alias_routes(aliases: Aliases, caller: Caller, wire: Wire) -> list[BaseRouteHandler]:
    def show(request: Request[Any, Any, Any], alias: Alias) -> dict[str, Any]:
        surface = surface_of(request)
        return surface.render(_fields(surface, alias))

    @get(_ALL, **documented("listAliases", "List the aliases you may read.", list[schemas.Alias]))
    async def list_aliases(request: Request[Any, Any, Any]) -> Any:
        found = await caller.call(request, aliases.list)
        return wire.success("Aliases retrieved successfully.", [show(request, alias) for alias in found])

    @post(_ALL, **documented("addAlias", "Name an actor.", schemas.Alias, body=schemas.AliasDescription))
    async def create_alias(request: Request[Any, Any, Any]) -> Any:
        credentials_of(request)  # before the body: a stranger is told so at once
        params = await read_params(request)
        name, actor_id = params.text("alias"), params.text("actor_id")
        alias = await caller.call(request, lambda who: aliases.create(who, name, actor_id))
        return wire.success("Actor alias created successfully.", show(request, alias))

    @get(ALIAS_PATH, **documented("getAlias", "Get one alias.", schemas.Alias))
    async def get_alias(request: Request[Any, Any, Any], alias: FromPath[str]) -> Any:
        found = await caller.call(request, lambda who: aliases.get(who, alias))
        return wire.success("Alias retrieved successfully.", show(request, found))

    @put(
        ALIAS_PATH,
        **documented("updateAlias", "Have an alias name another actor.", schemas.Alias, body=schemas.AliasTarget),
    )
    async def update_alias(request: Request[Any, Any, Any], alias: FromPath[str]) -> Any:
        credentials_of(request)
        params = await read_params(request)
        if params.raw("alias") is not None:
            raise InvalidInput("alias cannot be changed: delete this one and create another.")
        actor_id = params.text("actor_id")
        changed = await caller.call(request, lambda who: aliases.retarget(who, alias, actor_id))
        return wire.success("Actor alias updated successfully.", show(request, changed))

    @delete(ALIAS_PATH, **documented("deleteAlias", "Delete an alias with its permissions and nonces.", None))
    async def delete_alias(request: Request[Any, Any, Any], alias: FromPath[str]) -> Any:
        deleted = await caller.call(request, lambda who: aliases.delete(who, alias))
        return wire.success(f"Alias {deleted} deleted successfully.", None)

    return [list_aliases, create_alias, get_alias, update_alias, delete_alias]
