"""The OpenAPI document: Litestar knows paths and parameters, this table adds what requests and responses hold.

Requests are parsed by the contract's own rules (`params`), so the types here only describe them.
"""

from typing import Annotated, Any

import msgspec
from litestar import Litestar
from msgspec import UNSET, Meta, Struct, UnsetType

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


class Camel(Struct, rename="camel"):
    """Fields as /actors/v2 spells them; under /v3/actors they are spelled in snake_case."""


class ActorLinks(Struct):
    self: str
    owner: str
    executions: str


class Actor(Camel, kw_only=True):
    """A registered actor."""

    id: str
    image: str
    name: str | UnsetType = UNSET
    description: str
    type: str
    owner: str
    default_environment: dict[str, Any]
    stateless: bool
    state: Any
    hints: list[str]
    token: bool | str
    privileged: bool
    use_container_uid: bool
    queue: str
    max_workers: int | UnsetType = UNSET
    mem_limit: str | UnsetType = UNSET
    max_cpus: Annotated[int, Meta(description="Nano-CPUs.")] | UnsetType = UNSET
    log_ex: Annotated[int, Meta(description="Seconds.")] | UnsetType = UNSET
    uid: str | UnsetType = UNSET
    gid: str | UnsetType = UNSET
    revision: int
    status: Annotated[str, Meta(description="SUBMITTED, READY, ERROR or SHUTTING_DOWN.")]
    status_message: str
    create_time: str
    last_update_time: str
    links: ActorLinks = msgspec.field(name="_links")


class ActorDescription(Camel, kw_only=True):
    """What registering and updating an actor takes; JSON, form or query parameters."""

    image: Annotated[str, Meta(description="Container image, such as abacosamples/test.", examples=["abacosamples/wc"])]
    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    type: str | UnsetType = UNSET
    default_environment: dict[str, Any] | UnsetType = UNSET
    stateless: bool | UnsetType = UNSET
    state: dict[str, Any] | UnsetType = UNSET
    hints: list[str] | UnsetType = UNSET
    token: bool | UnsetType = UNSET
    use_container_uid: bool | UnsetType = UNSET
    queue: str | UnsetType = UNSET
    max_workers: int | UnsetType = UNSET
    mem_limit: str | UnsetType = UNSET
    max_cpus: int | UnsetType = UNSET
    log_ex: int | UnsetType = UNSET
    force: Annotated[bool, Meta(description="Update only: start a new revision.")] | UnsetType = UNSET


class PostedLinks(Struct):
    self: str
    owner: str
    messages: str


class Posted(Camel, kw_only=True):
    """A message that is on disk."""

    execution_id: str
    msg: Any
    links: PostedLinks = msgspec.field(name="_links")


class Message(Struct):
    """A text message; any other JSON value is a message as it is."""

    message: str


class MailboxLinks(Struct):
    self: str
    owner: str


class Messages(Struct):
    messages: Annotated[int, Meta(description="Messages that wait, not counting those being executed.")]
    links: MailboxLinks = msgspec.field(name="_links")


class Purged(Struct):
    msg: str
    links: MailboxLinks = msgspec.field(name="_links")


class ExecutionLinks(Struct):
    self: str
    owner: str
    logs: str


class Execution(Camel, kw_only=True):
    """The processing of one message by one container."""

    id: str
    actor_id: str
    api_server: str
    executor: str
    status: Annotated[str, Meta(description="SUBMITTED, RUNNING, COMPLETE or ERROR.")]
    message_received_time: str
    worker_id: str | UnsetType = UNSET
    start_time: str | UnsetType = UNSET
    finish_time: str | UnsetType = UNSET
    runtime: Annotated[int, Meta(description="Seconds.")]
    cpu: Annotated[int, Meta(description="Nanoseconds.")]
    io: Annotated[int, Meta(description="Bytes received.")]
    exit_code: int | UnsetType = UNSET
    final_state: dict[str, Any] | UnsetType = UNSET
    attempts: Annotated[int, Meta(description="How often its container was started.")]
    image_digest: str | UnsetType = UNSET
    links: ExecutionLinks = msgspec.field(name="_links")


class SummaryEntry(Camel, kw_only=True):
    id: str
    status: str
    start_time: str | None
    finish_time: str | None
    message_received_time: str


class Summary(Camel, kw_only=True):
    actor_id: str
    api_server: str
    owner: str
    executions: list[SummaryEntry]
    total_executions: int
    total_cpu: int
    total_io: int
    total_runtime: int
    links: MailboxLinks = msgspec.field(name="_links")


class LogLinks(Struct):
    self: str
    owner: str
    execution: str


class Logs(Struct):
    logs: str
    links: LogLinks = msgspec.field(name="_links")


class State(Struct):
    state: Any


class Failure(Struct):
    """Every error; the header X-Abaco-Error-Code names its kind."""

    message: str
    status: str
    version: str
    result: None


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


def openapi_document(app: Litestar) -> dict[str, Any]:
    """The document as a JSON value."""
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
