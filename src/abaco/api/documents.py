"""The OpenAPI document: Litestar knows paths and parameters, `schemas` and this table what goes in and comes out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from litestar import Litestar
from litestar.handlers import BaseRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from msgspec import UNSET

from abaco import __version__
from abaco.api import schemas

__all__ = ["Note", "Query", "documented", "openapi_document"]

_DOCUMENTED = "abaco_documented"
_JSON, _FORM, _BYTES = "application/json", "application/x-www-form-urlencoded", "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Query:
    """A parameter of the query string. `schema` is its JSON schema."""

    name: str
    description: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})


@dataclass(frozen=True, slots=True)
class Note:
    """What the document says of one operation beyond what its route says.

    `result` is the type of the envelope's result: a schema, None for null, or bytes for an answer without envelope.
    `body` is a schema, Any for every JSON value, or UNSET; `kinds` are its content types.
    """

    operation_id: str
    result: Any
    body: Any
    kinds: Sequence[str]
    query: Sequence[Query]


def documented(
    operation_id: str,
    summary: str,
    result: Any,
    *,
    body: Any = UNSET,
    kinds: Sequence[str] = (_JSON, _FORM),
    query: Sequence[Query] = (),
) -> dict[str, Any]:
    """A route's keyword arguments: its names, and the types of its request and of the envelope's result."""
    note = Note(operation_id, result, body, kinds, query)
    return {"operation_id": operation_id, "summary": summary, "opt": {_DOCUMENTED: note}, "status_code": 200}


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
        note.operation_id: note
        for route in app.routes
        for handler in route.route_handler_map.values()  # type: ignore[union-attr]
        if (note := handler[0].opt.get(_DOCUMENTED))
    }
    types = [kind for note in notes.values() for kind in (note.result, note.body) if kind not in (None, UNSET, Any)]
    (_, *described), components = msgspec.json.schema_components(
        [schemas.Failure, *types], ref_template="#/components/schemas/{name}"
    )
    by_type = dict(zip(map(repr, types), described, strict=True))
    document.setdefault("components", {}).setdefault("schemas", {}).update(components)
    document["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{"bearer": []}]
    for path in document["paths"].values():
        for operation in path.values():
            if (note := notes.get(operation.get("operationId"))) is not None:
                _describe(operation, note, by_type)
    return document


def _describe(operation: dict[str, Any], note: Note, by_type: dict[str, Any]) -> None:
    failure = {"application/json": {"schema": {"$ref": "#/components/schemas/Failure"}}}
    operation["responses"] = {
        "200": {"description": "Done.", "content": _success(note.result, by_type)},
        "400": {"description": "The request is wrong, or not permitted.", "content": failure},
        "401": {"description": "The credentials are missing or not valid.", "content": failure},
        "404": {"description": "There is no such object.", "content": failure},
    }
    for parameter in note.query:
        shown = {"name": parameter.name, "in": "query", "required": False, "description": parameter.description}
        operation.setdefault("parameters", []).append({**shown, "schema": dict(parameter.schema)})
    if note.body is not UNSET:
        schema = {} if note.body is Any else by_type[repr(note.body)]
        binary = {"type": "string", "format": "binary"}
        content = {kind: {"schema": binary if kind == _BYTES else schema} for kind in note.kinds}
        operation["requestBody"] = {"required": True, "content": content}


def _success(result: Any, by_type: dict[str, Any]) -> dict[str, Any]:
    if result is bytes:
        return {_BYTES: {"schema": {"type": "string", "format": "binary"}}}
    properties = {
        "message": {"type": "string"},
        "status": {"type": "string", "enum": ["success"]},
        "version": {"type": "string"},
        "result": {"type": "null"} if result is None else by_type[repr(result)],
    }
    envelope = {"type": "object", "properties": properties, "required": list(properties)}
    return {"application/json": {"schema": envelope}}
