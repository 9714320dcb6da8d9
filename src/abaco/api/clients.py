"""``/clients/v2``: a user's OAuth clients, with HTTP Basic."""

from typing import Any

from litestar import Request, delete, get, post
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath

from abaco.api import schemas
from abaco.api.basic import SignIn, require_basic
from abaco.api.documents import documented
from abaco.api.params import Params, read_params
from abaco.api.wire import Wire
from abaco.domain.client import OAuthClient
from abaco.domain.user import User
from abaco.errors import InvalidInput
from abaco.services.clients import Clients

__all__ = ["client_routes"]

_ROOT = "/clients/v2"
_ONE = _ROOT + "/{client_name:str}"
_SUBSCRIPTIONS = _ONE + "/subscriptions"
_TIER = "Unlimited"
_EVERYTHING = [{"apiName": "Actors", "apiVersion": "v2", "apiProvider": "admin"}]
"""What each client is subscribed to. There is nothing else, so nothing can be added or taken away."""


def _fields(client: OAuthClient, base_url: str) -> dict[str, Any]:
    here = f"{base_url}{_ROOT}/{client.name}"
    return {
        "consumerKey": client.key,
        "name": client.name,
        "description": client.description,
        "callbackUrl": client.callback_url,
        "tier": client.tier,
        "_links": {
            "self": {"href": here},
            "subscriber": {"href": f"{base_url}/profiles/v2/{client.username}"},
            "subscriptions": {"href": f"{here}/subscriptions/"},
        },
    }


def _name(params: Params) -> str:
    name = params.text("client_name") or params.text("name")
    if not name:
        raise InvalidInput("Invalid parameters: {'clientName': 'is required'}")
    return name


def client_routes(clients: Clients, sign_in: SignIn, wire: Wire) -> list[BaseRouteHandler]:
    return [
        *_collection(clients, sign_in, wire),
        *_one(clients, sign_in, wire),
        *_subscriptions(clients, sign_in, wire),
    ]


def _collection(clients: Clients, sign_in: SignIn, wire: Wire) -> list[BaseRouteHandler]:
    @get(_ROOT, **documented("listClients", "List your OAuth clients.", list[schemas.Client], security=["basic"]))
    async def list_clients(request: Request[Any, Any, Any]) -> Any:
        found = await sign_in.call(request, lambda user, base: [_fields(client, base) for client in clients.list(user)])
        return wire.success("Clients retrieved successfully.", found)

    @post(
        _ROOT,
        **documented(
            "createClient",
            "Create an OAuth client; its secret is shown this once.",
            schemas.NewClient,
            body=schemas.ClientDescription,
            security=["basic"],
        ),
    )
    async def create_client(request: Request[Any, Any, Any]) -> Any:
        require_basic(request)  # before the body: a stranger is told so at once
        params = await read_params(request)

        def create(user: User, base_url: str) -> dict[str, Any]:
            client, secret = clients.create(
                user,
                _name(params),
                params.text("description") or "",
                params.text("callback_url") or "",
                params.text("tier") or _TIER,
            )
            return {"consumerSecret": secret, **_fields(client, base_url)}

        return wire.success("Client created successfully.", await sign_in.call(request, create))

    return [list_clients, create_client]


def _one(clients: Clients, sign_in: SignIn, wire: Wire) -> list[BaseRouteHandler]:
    @get(_ONE, **documented("getClient", "Get one of your OAuth clients.", schemas.Client, security=["basic"]))
    async def get_client(request: Request[Any, Any, Any], client_name: FromPath[str]) -> Any:
        found = await sign_in.call(request, lambda user, base: _fields(clients.get(user, client_name), base))
        return wire.success("Client details retrieved successfully.", found)

    @delete(
        _ONE,
        **documented("deleteClient", "Delete an OAuth client and end its tokens.", None, security=["basic"]),
    )
    async def delete_client(request: Request[Any, Any, Any], client_name: FromPath[str]) -> Any:
        await sign_in.call(request, lambda user, _: clients.delete(user, client_name))
        return wire.success("Client removed successfully.", None)

    return [get_client, delete_client]


def _subscriptions(clients: Clients, sign_in: SignIn, wire: Wire) -> list[BaseRouteHandler]:
    async def subscriptions(request: Request[Any, Any, Any], name: str) -> Any:
        await sign_in.call(request, lambda user, _: clients.get(user, name))
        return wire.success("Client subscriptions retrieved successfully.", _EVERYTHING)

    @get(
        _SUBSCRIPTIONS,
        **documented(
            "listSubscriptions", "List what a client may be used with.", list[schemas.Subscription], security=["basic"]
        ),
    )
    async def list_subscriptions(request: Request[Any, Any, Any], client_name: FromPath[str]) -> Any:
        return await subscriptions(request, client_name)

    @post(
        _SUBSCRIPTIONS,
        **documented(
            "addSubscription",
            "Changes nothing: every client may be used with everything.",
            list[schemas.Subscription],
            body=schemas.SubscriptionDescription,
            security=["basic"],
        ),
    )
    async def add_subscription(request: Request[Any, Any, Any], client_name: FromPath[str]) -> Any:
        return await subscriptions(request, client_name)

    @delete(
        _SUBSCRIPTIONS,
        **documented(
            "deleteSubscriptions",
            "Changes nothing: every client may be used with everything.",
            None,
            security=["basic"],
        ),
    )
    async def delete_subscriptions(request: Request[Any, Any, Any], client_name: FromPath[str]) -> Any:
        await sign_in.call(request, lambda user, _: clients.get(user, client_name))
        return wire.success("Client subscriptions kept: a client may be used with everything.", None)

    return [list_subscriptions, add_subscription, delete_subscriptions]
