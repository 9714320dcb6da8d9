"""Everything about who may sign in: tenants, profiles, OAuth clients, tokens."""

from dataclasses import dataclass

from litestar.handlers import BaseRouteHandler

from abaco.api.auth import Caller
from abaco.api.basic import Gate, SignIn
from abaco.api.clients import client_routes
from abaco.api.profiles import profile_routes
from abaco.api.tenants import tenant_routes
from abaco.api.tokens import tapis_token_routes, token_routes
from abaco.api.wire import Wire
from abaco.services.clients import Clients
from abaco.services.passwords import Passwords
from abaco.services.tapis_tokens import TapisTokens
from abaco.services.tenants import Tenants
from abaco.services.tokens import Tokens
from abaco.services.users import Users

__all__ = ["Accounts", "account_routes"]


@dataclass(frozen=True, slots=True)
class Accounts:
    """The use cases of signing in."""

    tenants: Tenants
    users: Users
    passwords: Passwords
    clients: Clients
    tokens: Tokens
    tapis_tokens: TapisTokens


def account_routes(accounts: Accounts, caller: Caller, wire: Wire) -> list[BaseRouteHandler]:
    gate = Gate()
    tokens, clients, tenants = accounts.tokens, accounts.clients, accounts.tenants
    return [
        *client_routes(clients, SignIn(accounts.passwords, tenants, gate), wire),
        *token_routes(tokens, clients, gate),
        *tapis_token_routes(tokens, clients, tenants, accounts.tapis_tokens, gate, wire),
        *profile_routes(accounts.users, caller, wire),
        *tenant_routes(tenants, accounts.tapis_tokens, wire),
    ]
