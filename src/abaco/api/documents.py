"""The OpenAPI document: Litestar knows paths and parameters, `schemas` and this table what goes in and comes out."""

from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Litestar
from litestar.handlers import BaseRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from msgspec import UNSET

from abaco import __version__
from abaco.api.schemas import (
    Actor,
    ActorDescription,
    Execution,
    Failure,
    Logs,
    Message,
    Messages,
    Posted,
    Purged,
    State,
    Summary,
)

__all__ = [
    "ACTOR",
    "ACTORS",
    "ACTOR_BODY",
    "EXECUTION",
    "LOGS",
    "MESSAGES",
    "MESSAGE_BODY",
    "NOTHING",
    "POSTED",
    "PURGED",
    "RESULT",
    "STATE",
    "STATE_BODY",
    "SUMMARY",
    "documented",
    "openapi_document",
]

ACTOR, ACTORS, ACTOR_BODY = Actor, list[Actor], ActorDescription
POSTED, MESSAGES, PURGED, MESSAGE_BODY = Posted, Messages, Purged, Message
EXECUTION, SUMMARY, LOGS, STATE, STATE_BODY = Execution, Summary, Logs, State, Any
NOTHING, RESULT = None, bytes
_DOCUMENTED = "abaco_documented"
_BODY_TYPES = {
    Message: ("application/json", "application/x-www-form-urlencoded", "application/octet-stream"),
    ActorDescription: ("application/json", "application/x-www-form-urlencoded"),
}


def documented(operation_id: str, summary: str, result: Any, *, body: Any = UNSET) -> dict[str, Any]:
    """A route's keyword arguments: its names, and the types of its request and of the envelope's result."""
    opt = {_DOCUMENTED: (operation_id, result, body)}
    return {"operation_id": operation_id, "summary": summary, "opt": opt, "status_code": 200}


def openapi_document(routes: Sequence[BaseRouteHandler]) -> dict[str, Any]:
    """The document as a JSON value. Litestar writes it of an application that serves it, hence one that never runs."""
    config = OpenAPIConfig(
        title="Abaco",
        version=__version__,
        description="Functions-as-a-service on the actor model. "
        "The same API stands under /actors and, in snake_case, under /v3/actors.",
        render_plugins=[JsonRenderPlugin()],
    )
    app = Litestar(route_handlers=routes, openapi_config=config)
    document: dict[str, Any] = app.openapi_schema.to_schema()
    notes = {
        note[0]: note
        for route in app.routes
        for handler in route.route_handler_map.values()  # type: ignore[union-attr]
        if (note := handler[0].opt.get(_DOCUMENTED))
    }
    types = [kind for _, result, body in notes.values() for kind in (result, body) if kind not in (None, UNSET, Any)]
    (_, *schemas), components = msgspec.json.schema_components(
        [Failure, *types], ref_template="#/components/schemas/{name}"
    )
    by_type = dict(zip(map(repr, types), schemas, strict=True))
    document.setdefault("components", {}).setdefault("schemas", {}).update(components)
    document["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{"bearer": []}]
    for path in document["paths"].values():
        for operation in path.values():
            if (note := notes.get(operation.get("operationId"))) is not None:
                _describe(operation, note[1], note[2], by_type)
    return document


def _describe(operation: dict[str, Any], result: Any, body: Any, schemas: dict[str, Any]) -> None:
    failure = {"application/json": {"schema": {"$ref": "#/components/schemas/Failure"}}}
    operation["responses"] = {
        "200": {"description": "Done.", "content": _success(result, schemas)},
        "400": {"description": "The request is wrong, or not permitted.", "content": failure},
        "401": {"description": "The credentials are missing or not valid.", "content": failure},
        "404": {"description": "There is no such object.", "content": failure},
    }
    if body is not UNSET:
        schema = {} if body is Any else schemas[repr(body)]
        kinds = _BODY_TYPES.get(body, ("application/json",))
        binary = {"type": "string", "format": "binary"}
        operation["requestBody"] = {
            "required": True,
            "content": {kind: {"schema": binary if kind == "application/octet-stream" else schema} for kind in kinds},
        }


def _success(result: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    if result is bytes:
        return {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    properties = {
        "message": {"type": "string"},
        "status": {"type": "string", "enum": ["success"]},
        "version": {"type": "string"},
        "result": {"type": "null"} if result is None else schemas[repr(result)],
    }
    envelope = {"type": "object", "properties": properties, "required": list(properties)}
    return {"application/json": {"schema": envelope}}
