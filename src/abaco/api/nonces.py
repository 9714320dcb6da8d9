"""``.../nonces`` of actors and aliases: one set of handlers, made for both."""

from typing import Any
from urllib.parse import quote

from litestar import Request, delete, get, post
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath

from abaco.api import schemas
from abaco.api.auth import Caller, credentials_of
from abaco.api.documents import documented
from abaco.api.params import read_params, surface_of
from abaco.api.surface import Surface
from abaco.api.wire import Wire
from abaco.domain.moment import iso
from abaco.domain.user import Principal
from abaco.services.nonces import NonceHolder, Nonces, ShownNonce

__all__ = ["nonce_routes"]


def _fields(surface: Surface, shown: ShownNonce) -> dict[str, Any]:
    nonce = shown.nonce
    base = f"{nonce.api_server}{surface.links}"
    holder = f"aliases/{quote(nonce.alias or '')}" if nonce.actor_id is None else nonce.actor_id
    fields = {
        "id": shown.id,
        "actor_id": nonce.actor_id,
        "owner": nonce.owner,
        "roles": sorted(nonce.roles),
        "api_server": nonce.api_server,
        "level": nonce.level.name,
        "max_uses": nonce.max_uses,
        "current_uses": nonce.current_uses,
        "remaining_uses": nonce.remaining_uses,
        "description": nonce.description,
        "create_time": iso(nonce.created_at),
        # Clients expect a word here, also before the first use.
        "last_use_time": iso(nonce.last_used_at) or "None",
        "_links": {
            "self": f"{base}/{holder}/nonces/{shown.id}",
            "owner": f"{nonce.api_server}{surface.profiles}/{nonce.owner}",
            "actor": f"{base}/{shown.actor_id}",
        },
    }
    return fields if nonce.alias is None else {**fields, "alias": nonce.alias}


def nonce_routes(
    root: str,
    parameter: str,
    kind: str,
    nonces: Nonces,
    caller: Caller,
    wire: Wire,
) -> list[BaseRouteHandler]:
    """Routes below `root`, whose path parameter `parameter` names the holder; `kind` is "Actor" or "Alias"."""
    everywhere = "Alias" if kind == "Alias" else ""
    holder_name = kind.lower()
    path, one = f"{root}/nonces", f"{root}/nonces/{{nonce_id:str}}"

    def holder_of(who: Principal, name: str) -> NonceHolder:
        return nonces.of_alias(who, name) if kind == "Alias" else nonces.of_actor(who, name)

    def show(request: Request[Any, Any, Any], shown: ShownNonce) -> dict[str, Any]:
        surface = surface_of(request)
        return surface.render(_fields(surface, shown))

    @get(path, **documented(f"list{everywhere}Nonces", f"List the {holder_name}'s nonces.", list[schemas.Nonce]))
    async def list_nonces(request: Request[Any, Any, Any]) -> Any:
        name = request.path_params[parameter]
        found = await caller.call(request, lambda who: nonces.list(holder_of(who, name)))
        return wire.success(f"{kind} nonces retrieved successfully.", [show(request, shown) for shown in found])

    @post(
        path,
        **documented(
            f"add{everywhere}Nonce",
            f"Make a nonce for the {holder_name}.",
            schemas.Nonce,
            body=schemas.NonceDescription,
        ),
    )
    async def create_nonce(request: Request[Any, Any, Any]) -> Any:
        credentials_of(request)  # before the body: a stranger is told so at once
        name = request.path_params[parameter]
        params = await read_params(request)
        level, uses = params.text("level"), params.integer("max_uses")
        description = params.text("description") or ""
        shown = await caller.call(
            request, lambda who: nonces.create(who, holder_of(who, name), level, uses, description)
        )
        return wire.success(f"{kind} nonce created successfully.", show(request, shown))

    @get(one, **documented(f"get{everywhere}Nonce", f"Get one nonce of the {holder_name}.", schemas.Nonce))
    async def get_nonce(request: Request[Any, Any, Any], nonce_id: FromPath[str]) -> Any:
        name = request.path_params[parameter]
        shown = await caller.call(request, lambda who: nonces.get(holder_of(who, name), nonce_id))
        return wire.success(f"{kind} nonce retrieved successfully.", show(request, shown))

    @delete(one, **documented(f"delete{everywhere}Nonce", f"Delete a nonce of the {holder_name}.", None))
    async def delete_nonce(request: Request[Any, Any, Any], nonce_id: FromPath[str]) -> Any:
        name = request.path_params[parameter]
        await caller.call(request, lambda who: nonces.delete(holder_of(who, name), nonce_id))
        return wire.success(f"{kind} nonce deleted successfully.", None)

    return [list_nonces, create_nonce, get_nonce, delete_nonce]
