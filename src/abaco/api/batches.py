"""``/actors/{id}/messages/batch``: many messages in one request and one transaction, all of them or none."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from anyio import CapacityLimiter, to_thread
from litestar import Request, post
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath

from abaco.api import schemas
from abaco.api.auth import Caller, credentials_of
from abaco.api.documents import JSON, NDJSON, documented
from abaco.api.params import decode_json, media_type_of, read_body, surface_of
from abaco.api.places import Places
from abaco.api.sending import KEY_PARAMETER, environment_of, hidden_names, key_of
from abaco.api.surface import CANONICAL_ROOT, Surface
from abaco.api.synchronous import is_synchronous
from abaco.api.wire import Wire, actor_links
from abaco.domain.actor import Actor
from abaco.domain.credentials import Credentials
from abaco.domain.delay import DELAY_VARIABLE
from abaco.domain.message import ContentType, Payload
from abaco.domain.send_key import require_key
from abaco.domain.user import Principal
from abaco.errors import InvalidInput
from abaco.services.mailbox import Mailbox, Post, Posted, at_index
from abaco.settings import Settings

__all__ = ["batch_routes"]

_MOST = 10_000
_AT_ONCE = 8
"""Requests whose bodies are in memory."""
_THREADS = 2
_BUSY = "Too many batches are being sent: try again in some seconds."
_SEND = documented(
    "sendMessages",
    "Send up to 10,000 messages, all or none.",
    schemas.PostedBatch,
    bodies={JSON: list[schemas.BatchMessage], NDJSON: schemas.BatchMessage},
    query=[KEY_PARAMETER],
)


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    """One message as it is sent."""

    message: Any
    environment: dict[str, str] = {}
    key: str | None = None
    not_before: str | int | float | None = None


@dataclass(frozen=True, slots=True)
class _Batch:
    """A request: its body, and what holds for all of its messages."""

    sender: Principal
    actor_id: str
    kind: str
    body: bytes
    environment: Mapping[str, str]
    key: str | None


def _posts(batch: _Batch) -> list[Post]:
    """The messages; raises InvalidInput, which names the first that is wrong."""
    pieces = _pieces(batch.kind, batch.body)
    if not 0 < len(pieces) <= _MOST:
        raise InvalidInput(f"A batch has 1 to {_MOST} messages, and this one {len(pieces)}.")
    posts = []
    for index, piece in enumerate(pieces):
        try:
            posts.append(_post(batch, index, _entry(piece)))
        except InvalidInput as error:
            raise at_index(index, error) from None
    return posts


def _pieces(kind: str, body: bytes) -> list[Any]:
    """The messages, each as its JSON text: to read all at once would keep others from the interpreter."""
    if kind == NDJSON:
        return [line for line in body.splitlines() if line.strip()]
    if kind != JSON:
        raise InvalidInput(f"Send a JSON list as {JSON}, or a JSON object a line as {NDJSON}.")
    try:
        return msgspec.json.decode(body, type=list[msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidInput(f"The body must be a JSON list of messages: {error}.") from None


def _entry(piece: Any) -> _Entry:
    value = decode_json(bytes(piece))
    if isinstance(value, dict) and "notBefore" in value:
        value["not_before"] = value.pop("notBefore")
    try:
        entry = msgspec.convert(value, _Entry)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"{error}; it is a JSON object of message, environment, key and notBefore.") from None
    if entry.message is None or entry.message == "":
        raise InvalidInput("message is a text that is not empty, or any JSON value but null.")
    return entry


def _post(batch: _Batch, index: int, entry: _Entry) -> Post:
    environment = {**batch.environment, **entry.environment}
    if entry.not_before is not None:
        given = entry.not_before
        environment[DELAY_VARIABLE] = f"{given:f}" if isinstance(given, float) else str(given)
    if entry.key is not None:
        require_key(entry.key)
    # A batch that is sent again under its own key has the same messages at the same places.
    of_batch = f"{index} of {batch.key}" if batch.key is not None else None
    kind = ContentType.TEXT if isinstance(entry.message, str) else ContentType.JSON
    key = entry.key if entry.key is not None else of_batch
    return Post(batch.sender, batch.actor_id, Payload(kind, entry.message), environment, key=key)


def _fields(surface: Surface, actor: Actor, posted: list[Posted]) -> dict[str, Any]:
    links = actor_links(surface, actor)
    return {
        surface.spell("execution_ids"): [one.execution_id for one in posted],
        "_links": {
            "self": f"{links['self']}/messages/batch",
            "owner": links["owner"],
            "messages": f"{links['self']}/messages",
        },
    }


def batch_routes(mailbox: Mailbox, caller: Caller, wire: Wire, settings: Settings) -> list[BaseRouteHandler]:
    limiter, places, hidden = CapacityLimiter(_THREADS), Places(_AT_ONCE, _BUSY), hidden_names(settings)

    def post_all(credentials: Credentials, batch: _Batch) -> list[Posted]:
        posts = _posts(batch)
        caller.count(credentials, len(posts) - 1)  # one was, before there was a batch
        return mailbox.post_all(posts)

    @post(f"{CANONICAL_ROOT}/{{actor_id:str}}/messages/batch", **_SEND)
    async def send_messages(request: Request[Any, Any, Any], actor_id: FromPath[str]) -> Any:
        credentials = credentials_of(request)
        who = await caller.identify(credentials)
        key, environment = key_of(request), environment_of(request, hidden)
        if is_synchronous(request):
            raise InvalidInput("A batch is not waited for: leave _abaco_synchronous out.")
        with places.place() as place:
            place.take(who)
            actor = await to_thread.run_sync(mailbox.require_sender, who, actor_id)  # before the data
            body = await read_body(request, settings.max_batch_bytes)
            batch = _Batch(who, actor_id, media_type_of(request), body, environment, key)
            posted = await to_thread.run_sync(partial(post_all, credentials, batch), limiter=limiter)
        done = f"{len(posted)} messages were taken."
        return wire.success(done, _fields(surface_of(request), actor, posted))

    return [send_messages]
