"""``/actors/configs``: list, create, get, update, delete."""

from typing import Any

from litestar import Request, delete, get, post, put
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath

from abaco.api import schemas
from abaco.api.auth import Caller, credentials_of
from abaco.api.documents import documented
from abaco.api.params import Params, read_params, surface_of
from abaco.api.surface import CANONICAL_ROOT
from abaco.api.wire import Wire
from abaco.domain.config import MASK, Config
from abaco.services.configs import ConfigDescription, Configs

__all__ = ["CONFIG_PATH", "config_routes"]

_ALL = CANONICAL_ROOT + "/configs"
CONFIG_PATH = _ALL + "/{config_name:str}"


def _description(params: Params) -> ConfigDescription:
    listed = isinstance(params.raw("actors"), list)
    actors = params.texts("actors") if listed else params.text("actors")
    return ConfigDescription(params.text("value"), params.boolean("is_secret"), actors)


def config_routes(configs: Configs, caller: Caller, wire: Wire) -> list[BaseRouteHandler]:
    def show(request: Request[Any, Any, Any], config: Config) -> dict[str, Any]:
        fields = {
            "name": config.name,
            "value": MASK if config.is_secret else config.value,
            "is_secret": config.is_secret,
            "actors": ",".join(config.actors),
        }
        return surface_of(request).render(fields)

    @get(_ALL, **documented("listConfigs", "List the configs you may read.", list[schemas.Config]))
    async def list_configs(request: Request[Any, Any, Any]) -> Any:
        found = await caller.call(request, configs.list)
        return wire.success("Actor Configs retrieved successfully.", [show(request, config) for config in found])

    @post(_ALL, **documented("addConfig", "Make a config.", schemas.Config, body=schemas.ConfigDescription))
    async def create_config(request: Request[Any, Any, Any]) -> Any:
        credentials_of(request)  # before the body: a stranger is told so at once
        params = await read_params(request)
        name, description = params.text("name"), _description(params)
        config = await caller.call(request, lambda who: configs.create(who, name, description))
        return wire.success("Actor config created successfully.", show(request, config))

    @get(CONFIG_PATH, **documented("getConfig", "Get one config.", schemas.Config))
    async def get_config(request: Request[Any, Any, Any], config_name: FromPath[str]) -> Any:
        config = await caller.call(request, lambda who: configs.get(who, config_name))
        return wire.success("Config retrieved successfully.", show(request, config))

    @put(CONFIG_PATH, **documented("updateConfig", "Update a config.", schemas.Config, body=schemas.ConfigUpdate))
    async def update_config(request: Request[Any, Any, Any], config_name: FromPath[str]) -> Any:
        credentials_of(request)
        description = _description(await read_params(request))
        config = await caller.call(request, lambda who: configs.update(who, config_name, description))
        return wire.success("Actor config updated successfully.", show(request, config))

    @delete(CONFIG_PATH, **documented("deleteConfig", "Delete a config.", None))
    async def delete_config(request: Request[Any, Any, Any], config_name: FromPath[str]) -> Any:
        deleted = await caller.call(request, lambda who: configs.delete(who, config_name))
        return wire.success(f"Actor config {deleted} deleted successfully.", None)

    return [list_configs, create_config, get_config, update_config, delete_config]
