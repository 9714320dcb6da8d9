"""The application: its routes, its error handlers, its edge. A newcomer reads the whole API here."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from litestar import Litestar, Request, Response
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler
from structlog.typing import FilteringBoundLogger

from abaco import __version__
from abaco.api.accounts import Accounts, account_routes
from abaco.api.actors import ACTOR_PATH, actor_routes
from abaco.api.admin import admin_routes
from abaco.api.aliases import ALIAS_PATH, alias_routes
from abaco.api.auth import Caller
from abaco.api.batches import batch_routes
from abaco.api.bells import Bells
from abaco.api.configs import CONFIG_PATH, config_routes
from abaco.api.edge import App, Edge
from abaco.api.executions import execution_routes
from abaco.api.explanations import explanation_routes
from abaco.api.files import file_routes
from abaco.api.following import Following
from abaco.api.images import image_routes
from abaco.api.messages import message_routes
from abaco.api.metrics import Metrics, metric_routes
from abaco.api.nonces import nonce_routes
from abaco.api.options import options_routes
from abaco.api.pages import page_routes
from abaco.api.params import surface_of
from abaco.api.permissions import permission_routes
from abaco.api.result_following import ResultFollowing, result_routes
from abaco.api.search import Searches, search_routes
from abaco.api.spelling import respelled
from abaco.api.state import state_routes
from abaco.api.surface import surfaces
from abaco.api.synchronous import Synchronous
from abaco.api.waiting import Waiters
from abaco.api.wire import Wire
from abaco.api.workers import worker_routes
from abaco.errors import AbacoError, InternalError, InvalidInput, MethodNotAllowed, NotFound
from abaco.services.actors import Actors
from abaco.services.admin import Admin
from abaco.services.aliases import Aliases
from abaco.services.configs import Configs
from abaco.services.executions import Executions
from abaco.services.explanations import Explanations
from abaco.services.files import Files
from abaco.services.identity import Identity
from abaco.services.mailbox import Mailbox
from abaco.services.nonces import Nonces
from abaco.services.permissions import Permissions
from abaco.services.pushes import Pushes
from abaco.services.search import Search
from abaco.services.state import State
from abaco.services.workers import Workers
from abaco.settings import Settings

__all__ = ["Services", "build_app"]

_NONCE = re.compile("(?<=/nonces/).+")
"""What opens an actor to whoever reads it in a log."""


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases that the API offers."""

    identity: Identity
    accounts: Accounts
    actors: Actors
    actor_permissions: Permissions
    aliases: Aliases
    alias_permissions: Permissions
    nonces: Nonces
    configs: Configs
    config_permissions: Permissions
    mailbox: Mailbox
    executions: Executions
    explanations: Explanations
    state: State
    files: Files
    workers: Workers
    admin: Admin
    search: Search
    pushes: Pushes
    is_healthy: Callable[[], bool]


def build_app(services: Services, settings: Settings, log: FilteringBoundLogger, bells: Bells) -> App:
    """The ASGI application, edge included."""
    wire = Wire(settings.version or __version__, default_token=settings.default_token, mounts=settings.mount_rules)
    caller = Caller(services.identity)
    waiters = Waiters(settings.max_sync_waiting)
    following = Following(services.executions, caller, bells, settings.max_followers)
    results = ResultFollowing(services.executions, caller, bells, following.places)
    synchronous = Synchronous(services.mailbox, services.executions, waiters, wire, settings.sync_timeout_seconds)
    searches = Searches(services.search, caller, wire, settings.search_concurrency)
    api: Sequence[BaseRouteHandler] = [
        *actor_routes(services.actors, searches, bells, caller, wire),
        *message_routes(services.mailbox, services.identity, synchronous, waiters, bells, caller, wire, settings),
        *batch_routes(services.mailbox, caller, wire, settings),
        *execution_routes(services.executions, searches, following, caller, wire),
        *result_routes(services.executions, results, caller, wire),
        *explanation_routes(services.explanations, caller, wire),
        *search_routes(searches),
        *state_routes(services.state, caller, wire),
        *file_routes(services.files, caller, wire),
        *worker_routes(services.workers, searches, caller, wire),
        *_sharing_routes(services, caller, wire),
        *image_routes(services.pushes, caller, wire),
        *admin_routes(services.admin, caller, wire),
        *account_routes(services.accounts, caller, wire),
    ]
    metrics = Metrics(services.admin)
    watching = metric_routes(metrics, services.admin, caller, settings.metrics_access)
    routes = [*api, *watching, *page_routes(services.is_healthy, api)]
    app = Litestar(
        route_handlers=[*options_routes(routes), *routes],  # in this order Litestar adds no OPTIONS of its own
        exception_handlers=_error_handlers(wire, log),
        openapi_config=None,  # it would serve pages of its own; ours are in `pages`
        # Bodies are bounded where they are read: binary messages by a setting, all else by `params`.
        request_max_body_size=None,
    )
    return Edge(
        app,
        surfaces(settings.case),
        metrics.observe,
        open_to_all=settings.access_control == "none",
        proxies=settings.trusted_proxies,
    )


def _sharing_routes(services: Services, caller: Caller, wire: Wire) -> list[BaseRouteHandler]:
    return [
        *alias_routes(services.aliases, caller, wire),
        *permission_routes(ACTOR_PATH, "actor_id", "", services.actor_permissions, caller, wire),
        *config_routes(services.configs, caller, wire),
        *permission_routes(CONFIG_PATH, "config_name", "Config", services.config_permissions, caller, wire),
        *permission_routes(ALIAS_PATH, "alias", "Alias", services.alias_permissions, caller, wire),
        *nonce_routes(ACTOR_PATH, "actor_id", "Actor", services.nonces, caller, wire),
        *nonce_routes(ALIAS_PATH, "alias", "Alias", services.nonces, caller, wire),
    ]


def _error_handlers(wire: Wire, log: FilteringBoundLogger) -> dict[Any, Any]:
    def abaco_error(request: Request[Any, Any, Any], error: AbacoError) -> Response[bytes]:
        return wire.failure(respelled(error, surface_of(request)))

    def http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
        path = request.scope["state"]["asked_path"][:200]
        if error.status_code == 404:
            return wire.failure(NotFound(f"{path} is not an endpoint of this service; see /docs."))
        if error.status_code == 405:
            method = request.scope["method"]
            return wire.failure(MethodNotAllowed(f"{method} is not allowed on this endpoint; see /docs."))
        if error.status_code < 500:
            return wire.failure(InvalidInput(f"The request cannot be read: {error.detail}"))
        return unexpected(request, error)

    def unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        path = _NONCE.sub("...", request.scope["path"])
        log.error("request_failed", method=request.scope["method"], path=path, exc_info=error)
        return wire.failure(InternalError("Abaco failed to answer this request; the server's log says why."))

    return {AbacoError: abaco_error, HTTPException: http_error, Exception: unexpected}
