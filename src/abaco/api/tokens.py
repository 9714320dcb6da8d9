"""Granting and revoking tokens: ``/token`` and ``/revoke`` as OAuth2 has them, ``/v3/oauth2/tokens`` as Tapis does."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from anyio import to_thread
from litestar import Request, Response, post
from litestar.handlers import BaseRouteHandler

from abaco.api import schemas
from abaco.api.basic import Gate, address_of, basic_of, host_of
from abaco.api.documents import FORM, JSON, documented
from abaco.api.params import Params, read_params
from abaco.api.wire import Wire
from abaco.domain.client import GrantRefused, OAuthClient, Refusal
from abaco.domain.moment import iso
from abaco.errors import ERROR_CODE_HEADER, STATUS_BY_CODE, AbacoError, InvalidInput, NotAuthenticated
from abaco.services.clients import Clients
from abaco.services.tapis_tokens import TapisTokens
from abaco.services.tenants import Tenants
from abaco.services.tokens import Ask, Grant, Tokens

__all__ = ["tapis_token_routes", "token_routes"]

_SCOPE = "PRODUCTION"
"""The only one there is."""
_PRIVATE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_CLIENT = ("client",)


def _ask(request: Request[Any, Any, Any], params: Params) -> Ask:
    return Ask(
        grant_type=params.text("grant_type") or "",
        address=address_of(request),
        username=params.text("username") or "",
        password=params.text("password") or "",
        refresh_token=params.text("refresh_token") or "",
        token_username=params.text("token_username") or "",
    )


async def _run(gate: Gate, ask: Ask, grant: Callable[[], Grant]) -> Grant:
    """What `grant` returns, in a thread; through the gate if there is a password to check."""
    return await (gate.run(grant) if ask.password else to_thread.run_sync(grant))


def _oauth_failure(error: AbacoError) -> Response[bytes]:
    refusal = error.refusal if isinstance(error, GrantRefused) else Refusal.INVALID_REQUEST
    status, headers = STATUS_BY_CODE[error.code], {ERROR_CODE_HEADER: error.code}
    if refusal is Refusal.INVALID_CLIENT:
        status, headers["WWW-Authenticate"] = 401, 'Basic realm="Abaco"'
    body = {"error": refusal.value, "error_description": error.message}
    return Response(
        msgspec.json.encode(body), status_code=status, media_type="application/json", headers={**headers, **_PRIVATE}
    )


def _granted(grant: Grant, tokens: Tokens) -> Response[bytes]:
    body: dict[str, Any] = {
        "access_token": grant.access_token,
        "expires_in": int(tokens.lifetimes.access.total_seconds()),
        "token_type": "bearer",
        "scope": _SCOPE,
    }
    if grant.refresh_token:
        body["refresh_token"] = grant.refresh_token
    return Response(msgspec.json.encode(body), media_type="application/json", headers=_PRIVATE)


async def _as_oauth(answer: Callable[[], Awaitable[Response[bytes]]]) -> Response[bytes]:
    """The answer, or its error in OAuth's words."""
    try:
        return await answer()
    except NotAuthenticated as error:
        return _oauth_failure(GrantRefused(Refusal.INVALID_CLIENT, error.message))
    except AbacoError as error:
        return _oauth_failure(error)


def _credentials(request: Request[Any, Any, Any], params: Params) -> tuple[str, str]:
    """Key and secret of the client, from HTTP Basic or the body."""
    basic = basic_of(request)
    if basic is None:
        key, secret = params.text("client_id"), params.text("client_secret")
        if not key or not secret:
            raise GrantRefused(Refusal.INVALID_CLIENT, "Send the client's key and secret (HTTP Basic).")
        return key, secret
    return basic


def token_routes(tokens: Tokens, clients: Clients, gate: Gate) -> list[BaseRouteHandler]:
    @post(
        "/token",
        **documented(
            "createToken",
            "Get an access token (OAuth2).",
            schemas.Granted,
            body=schemas.TokenRequest,
            security=_CLIENT,
            failure=schemas.OAuthFailure,
        ),
    )
    async def create_token(request: Request[Any, Any, Any]) -> Any:
        async def answer() -> Response[bytes]:
            params = await read_params(request)
            key, secret = _credentials(request, params)
            ask = _ask(request, params)

            client = await to_thread.run_sync(clients.authenticate, key, secret)
            return _granted(await _run(gate, ask, lambda: tokens.grant(client.tenant, client, ask)), tokens)

        return await _as_oauth(answer)

    @post(
        "/revoke",
        **documented(
            "revokeToken",
            "Make a token worthless (RFC 7009).",
            schemas.Nothing,
            body=schemas.Revocation,
            security=_CLIENT,
            failure=schemas.OAuthFailure,
        ),
    )
    async def revoke_token(request: Request[Any, Any, Any]) -> Any:
        async def answer() -> Response[bytes]:
            params = await read_params(request)
            key, secret = _credentials(request, params)
            token = _token(params)
            await to_thread.run_sync(lambda: tokens.revoke(token, clients.authenticate(key, secret)))
            return Response(b"{}", media_type="application/json", headers=_PRIVATE)

        return await _as_oauth(answer)

    return [create_token, revoke_token]


def _token(params: Params) -> str:
    token = params.text("token")
    if not token:
        raise InvalidInput("Invalid parameters: {'token': 'is required'}")
    return token


def _tapis_fields(grant: Grant, tokens: Tokens) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "access_token": {
            "access_token": grant.access_token,
            "expires_at": iso(grant.access_expires_at),
            "expires_in": int(tokens.lifetimes.access.total_seconds()),
        }
    }
    if grant.refresh_token:
        fields["refresh_token"] = {
            "refresh_token": grant.refresh_token,
            "expires_at": iso(grant.refresh_expires_at),
            "expires_in": int(tokens.lifetimes.refresh.total_seconds()),
        }
    return fields


def tapis_token_routes(
    tokens: Tokens, clients: Clients, tenants: Tenants, tapis: TapisTokens, gate: Gate, wire: Wire
) -> list[BaseRouteHandler]:
    @post(
        "/v3/oauth2/tokens",
        **documented(
            "createTapisToken",
            "Get tokens as Tapis gives them out.",
            schemas.TapisGrant,
            bodies={JSON: schemas.TapisRequest, FORM: schemas.TapisRequest},
            security=(*_CLIENT, "none"),
        ),
    )
    async def create_tapis_token(request: Request[Any, Any, Any]) -> Any:
        basic = basic_of(request)
        ask = _ask(request, await read_params(request))
        host = host_of(request)

        def grant() -> Grant:
            client: OAuthClient | None = clients.authenticate(*basic) if basic else None
            tenant = tenants.named(client.tenant) if client else tenants.of_host(host)
            return tokens.grant(tenant.id, client, ask, tapis.minting(tenant, tenants.base_url(tenant)))

        try:
            fields = _tapis_fields(await _run(gate, ask, grant), tokens)
        except GrantRefused as error:
            if error.refusal in {Refusal.INVALID_CLIENT, Refusal.INVALID_GRANT}:
                raise NotAuthenticated(error.message) from None
            raise
        return wire.success("Token created successfully.", fields)

    @post(
        "/v3/oauth2/tokens/revoke",
        **documented(
            "revokeTapisToken",
            "Make a token worthless; having it is enough.",
            None,
            body=schemas.TapisRevocation,
            security=("none",),
        ),
    )
    async def revoke_tapis_token(request: Request[Any, Any, Any]) -> Any:
        token = _token(await read_params(request))
        await to_thread.run_sync(tokens.revoke, token, None)
        return wire.success("Token revoked successfully.", None)

    return [create_tapis_token, revoke_tapis_token]
