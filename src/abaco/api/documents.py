"""The OpenAPI document: Litestar knows paths and parameters, `schemas` and this table what goes in and comes out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from litestar import Litestar
from litestar.handlers import BaseRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from abaco import __version__
from abaco.api import schemas
from abaco.api.event_stream import EVENT_STREAM
from abaco.api.glossary import ERRORS, FAILED_EXECUTION, FIELDS, PATH_PARAMETERS, REUSED_KEY, Word
from abaco.api.surface import CANONICAL_ROOT
from abaco.api.wire import EXECUTION_HEADER, KEY_HEADER
from abaco.errors import ERROR_CODE_HEADER

__all__ = ["BYTES", "FORM", "JSON", "NDJSON", "Note", "Query", "documented", "openapi_document"]

_DOCUMENTED = "abaco_documented"
_DESCRIPTION = (
    "Functions-as-a-service on the actor model. "
    "The same API stands under /actors and, in snake_case, under /v3/actors. "
    "Every JSON answer is an envelope of message, status, version and result."
)
_SECURITY = {
    "basic": {"type": "http", "scheme": "basic", "description": "A user's name and password."},
    "client": {"type": "http", "scheme": "basic", "description": "An OAuth client's key and secret."},
    "bearer": {"type": "http", "scheme": "bearer", "description": "An access token, from POST /token or an operator."},
    "gateway": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Jwt-Assertion-TENANT",
        "description": "A JWT signed by the tenant's gateway; the tenant stands in the header's name.",
    },
    "tapis": {"type": "apiKey", "in": "header", "name": "X-Tapis-Token", "description": "A Tapis JWT."},
    "nonce": {
        "type": "apiKey",
        "in": "query",
        "name": "x-nonce",
        "description": "A nonce, on the actor or alias it was made for.",
    },
}
CALLER = ("bearer", "gateway", "tapis", "nonce")
"""How callers of the API say who they are."""
JSON, FORM, BYTES = "application/json", "application/x-www-form-urlencoded", "application/octet-stream"
NDJSON = "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class Query:
    """A parameter of the query string, or a header. `schema` is its JSON schema."""

    name: str
    description: str
    example: Any
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    place: str = "query"


@dataclass(frozen=True, slots=True)
class Note:
    """What the document says of one operation beyond what its route says.

    `result` is the type of the envelope's result: a schema, None for null, or bytes for an answer without envelope; a
    tuple of schemas for one of them.
    `security` are the schemes, one of which is needed; "none" is none. With `failure`, the type of its errors, neither
    answers nor errors come in an envelope.
    `bodies` are the types of the request by content type: a schema, bytes, or Any for every JSON value. `waits` says
    that the request may wait for an execution, whose answer comes without an envelope; `streams` that the answer may
    be a stream of events.
    """

    operation_id: str
    result: Any
    bodies: Mapping[str, Any]
    query: Sequence[Query]
    security: Sequence[str]
    failure: Any
    waits: bool
    streams: bool


def documented(
    operation_id: str,
    summary: str,
    result: Any,
    *,
    body: Any = None,
    bodies: Mapping[str, Any] | None = None,
    query: Sequence[Query] = (),
    security: Sequence[str] = CALLER,
    failure: Any = None,
    waits: bool = False,
    streams: bool = False,
) -> dict[str, Any]:
    """A route's keyword arguments: its names, and the types of its request and of the envelope's result.

    `body` is a schema that may come as JSON or as a form; `bodies` says otherwise, by content type. The rest is as in
    `Note`.
    """
    given = bodies or ({} if body is None else dict.fromkeys((JSON, FORM), body))
    note = Note(operation_id, result, given, query, security, failure, waits, streams)
    return {"operation_id": operation_id, "summary": summary, "opt": {_DOCUMENTED: note}, "status_code": 200}


def openapi_document(routes: Sequence[BaseRouteHandler]) -> dict[str, Any]:
    """The document as a JSON value. Litestar writes it of an application that serves it, hence one that never runs."""
    config = OpenAPIConfig(
        title="Abaco",
        version=__version__,
        description=_DESCRIPTION,
        render_plugins=[JsonRenderPlugin()],
    )
    app = Litestar(route_handlers=routes, openapi_config=config)
    document: dict[str, Any] = app.openapi_schema.to_schema()
    notes: dict[str, Note] = {
        note.operation_id: note
        for route in app.routes
        for handler in route.route_handler_map.values()  # type: ignore[union-attr]
        if (note := handler[0].opt.get(_DOCUMENTED))
    }
    shapes = _Shapes(notes.values())
    document.setdefault("components", {}).setdefault("schemas", {}).update(shapes.components)
    document["components"]["securitySchemes"] = _SECURITY
    document["security"] = [{name: []} for name in CALLER]
    document["tags"] = []
    for path, operations in document["paths"].items():
        for operation in operations.values():
            if (note := notes.get(operation.get("operationId"))) is not None:
                _describe(operation, note, shapes)
                operation["tags"] = [_tag(path)]
    document["tags"] = [{"name": name} for name in sorted({_tag(path) for path in document["paths"]})]
    return document


class _Shapes:
    """The JSON schemas of everything that goes in or comes out, explained by the glossary."""

    def __init__(self, notes: Iterable[Note]) -> None:
        kinds = [kind for note in notes for kind in (*_alternatives(note.result), note.failure, *note.bodies.values())]
        types = [kind for kind in kinds if kind not in (None, bytes, Any)]
        (self.failure, *described), self.components = msgspec.json.schema_components(
            [schemas.Failure, *types], ref_template="#/components/schemas/{name}"
        )
        self._by_type = dict(zip(map(repr, types), described, strict=True))
        for name, schema in self.components.items():
            _explain(name, schema)

    def of(self, kind: Any) -> dict[str, Any]:
        if isinstance(kind, tuple):
            return {"anyOf": [self.of(one) for one in kind]}
        if kind is bytes:
            return {"type": "string", "format": "binary"}
        if kind is None:
            return {"type": "null"}
        return {} if kind is Any else self._by_type[repr(kind)]


def _alternatives(result: Any) -> tuple[Any, ...]:
    return result if isinstance(result, tuple) else (result,)


def _explain(name: str, schema: dict[str, Any]) -> None:
    for field_name, shape in schema.get("properties", {}).items():
        word = FIELDS.get(f"{name}.{field_name}") or FIELDS.get(field_name)
        if word is not None:
            shape.setdefault("description", word.meaning)
            shape.setdefault("examples", [word.example])


def _tag(path: str) -> str:
    """What the page groups an operation under: the resource that its path names."""
    parts = [part for part in path.removeprefix(CANONICAL_ROOT).split("/") if part and not part.startswith("{")]
    return parts[0] if parts else "actors"


def _describe(operation: dict[str, Any], note: Note, shapes: _Shapes) -> None:
    for parameter in operation.get("parameters", []):
        word = PATH_PARAMETERS.get(parameter["name"])
        if word is not None:
            parameter["description"] = word.meaning
            parameter["example"] = word.example
    for query in note.query:
        operation.setdefault("parameters", []).append(
            {
                "name": query.name,
                "in": query.place,
                "required": False,
                "description": query.description,
                "schema": dict(query.schema),
                "example": query.example,
            }
        )
    if note.bodies:
        content = {kind: {"schema": shapes.of(body)} for kind, body in note.bodies.items()}
        operation["requestBody"] = {"required": True, "content": content}
    if note.security != CALLER:
        operation["security"] = [{} if name == "none" else {name: []} for name in note.security]
    operation["responses"] = {
        "200": {"description": "Done.", "content": _success(note, shapes)},
        **{code: _failure(note, word, shapes) for code, word in ERRORS.items()},
    }
    if note.streams:
        operation["responses"]["200"]["content"][EVENT_STREAM] = {"schema": {"type": "string"}}
    if any(query.name == KEY_HEADER for query in note.query):
        operation["responses"]["422"] = _failure(note, REUSED_KEY, shapes)
    if note.waits:
        _describe_waiting(operation["responses"], note, shapes)


def _describe_waiting(responses: dict[str, Any], note: Note, shapes: _Shapes) -> None:
    """What a request that waits for its execution may be answered with beside the others."""
    text = {"schema": {"type": "string"}}
    responses["200"]["content"] |= {BYTES: {"schema": shapes.of(bytes)}, "text/html": text}
    responses["202"] = {
        "description": "The message is on disk; its execution did not answer in time and goes on.",
        "content": _success(note, shapes),
    }
    responses["500"] = _failure(note, FAILED_EXECUTION, shapes)
    header = {"description": "The execution that the message became.", "schema": {"type": "string"}}
    for code in ("200", "202", "500"):
        responses[code].setdefault("headers", {})[EXECUTION_HEADER] = header


def _failure(note: Note, word: Word, shapes: _Shapes) -> dict[str, Any]:
    content: dict[str, Any] = {
        "schema": shapes.failure,
        "example": {"message": word.example, "status": "error", "version": __version__, "result": None},
    }
    header = {"description": "The kind of error, as a stable code.", "schema": {"type": "string"}}
    return {
        "description": word.meaning,
        "headers": {ERROR_CODE_HEADER: header},
        "content": {JSON: {"schema": shapes.of(note.failure)} if note.failure else content},
    }


def _success(note: Note, shapes: _Shapes) -> dict[str, Any]:
    result = note.result
    if result is bytes:
        return {BYTES: {"schema": shapes.of(bytes)}}
    if note.failure:
        return {JSON: {"schema": shapes.of(result)}}
    properties = {
        "message": {"type": "string", "description": "What was done."},
        "status": {"type": "string", "enum": ["success"], "description": "Always `success`."},
        "version": {"type": "string", "description": "Version of the service."},
        "result": shapes.of(result),
    }
    envelope = {"type": "object", "properties": properties, "required": list(properties)}
    return {JSON: {"schema": envelope}}
