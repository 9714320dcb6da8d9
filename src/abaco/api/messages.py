"""``/actors/{id}/messages``: post in four forms, count, purge."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from anyio import to_thread
from litestar import Request, Response, delete, get, post
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath

from abaco.api import schemas
from abaco.api.auth import Caller, credentials_of
from abaco.api.batcher import Batcher
from abaco.api.bells import Bells
from abaco.api.documents import BYTES, FORM, JSON, Query, documented
from abaco.api.params import (
    Params,
    announced_size,
    decode_json,
    media_type_of,
    query_pairs,
    query_value,
    read_body,
    read_params,
    surface_of,
)
from abaco.api.places import Place
from abaco.api.sending import KEY_PARAMETER, environment_of, hidden_names, key_of
from abaco.api.surface import CANONICAL_ROOT, Surface
from abaco.api.synchronous import Synchronous, is_synchronous
from abaco.api.uploads import abandon, receive
from abaco.api.waiting import Waiters
from abaco.api.wire import Wire, actor_links
from abaco.domain.credentials import Credentials, NonceUse
from abaco.domain.ids import new_id
from abaco.domain.message import ContentType, Payload
from abaco.domain.user import Principal
from abaco.errors import AbacoError, InvalidInput
from abaco.services.identity import Identity
from abaco.services.mailbox import Mailbox, Post, Posted
from abaco.settings import Settings

__all__ = ["message_routes"]

_PATH = CANONICAL_ROOT + "/{actor_id:str}/messages"
_DONE = "The request was successful"
_SEND = documented(
    "sendMessage",
    "Send a message.",
    schemas.Posted,
    bodies={JSON: Any, FORM: schemas.Message, BYTES: bytes},
    query=[
        Query(
            "_abaco_synchronous",
            "Wait for the execution: the answer is its first result, or its log, without an envelope.",
            "true",
            {"type": "string", "enum": ["true", "false"]},
        ),
        Query(
            "_abaco_max_run_time",
            "Seconds that this execution may run; may only shorten what the actor is allowed.",
            90,
            {"type": "number", "exclusiveMinimum": 0},
        ),
        Query(
            "_abaco_not_before",
            "When the execution is due, at most a year away: seconds from now, or ISO 8601 with an offset. "
            "Of stateless actors only, and not together with `_abaco_synchronous`.",
            "2026-11-26T09:30:00+01:00",
        ),
        KEY_PARAMETER,
    ],
    waits=True,
)
_FORMS = {"application/x-www-form-urlencoded", "multipart/form-data"}


@dataclass(frozen=True, slots=True)
class _Letter:
    """A message; `sender` is known already where the body was long, and is otherwise looked up with the batch.

    Who is going to wait for the execution has said how it is to be called, and takes the `place`.
    """

    sender: Credentials | Principal
    identifier: str
    payload: Payload
    environment: dict[str, str] = field(default_factory=dict)
    execution_id: str | None = None
    place: Place | None = None
    key: str | None = None
    data_digest: str = ""


def _deliver(identity: Identity, mailbox: Mailbox) -> Callable[[Sequence[_Letter]], Sequence[Posted | AbacoError]]:
    """The batch's work: each token is looked up once, then all messages are posted in one transaction."""

    def deliver(letters: Sequence[_Letter]) -> Sequence[Posted | AbacoError]:
        known: dict[Credentials, Principal | AbacoError] = {}
        senders = [_seated(letter.place, _sender(identity, letter.sender, known)) for letter in letters]
        posts = [
            Post(
                who,
                letter.identifier,
                letter.payload,
                letter.environment,
                letter.execution_id,
                synchronous=letter.place is not None,
                key=letter.key,
                data_digest=letter.data_digest,
            )
            for letter, who in zip(letters, senders, strict=True)
            if isinstance(who, Principal)
        ]
        outcomes = iter(mailbox.post(posts))
        return [who if isinstance(who, AbacoError) else next(outcomes) for who in senders]

    return deliver


def _sender(
    identity: Identity, credentials: Credentials | Principal, known: dict[Credentials, Principal | AbacoError]
) -> Principal | AbacoError:
    """Who sent a letter; asked once for all letters of the batch, but for nonces, whose every use counts."""
    if isinstance(credentials, Principal):
        return credentials
    if credentials not in known or isinstance(credentials, NonceUse):
        try:
            known[credentials] = identity.authenticate(credentials)
        except AbacoError as error:
            known[credentials] = error
    return known[credentials]


def _seated(place: Place | None, who: Principal | AbacoError) -> Principal | AbacoError:
    """`who`, having taken the place that they need, or why they cannot."""
    if place is not None and isinstance(who, Principal):
        try:
            place.take(who)
        except AbacoError as error:
            return error
    return who


async def _payload(request: Request[Any, Any, Any]) -> Payload:
    """The message of a request that is not binary, by the contract's table (4.1)."""
    kind = media_type_of(request)
    if kind in _FORMS:
        text = (await read_params(request)).text("message")
        if text:
            return Payload(ContentType.TEXT, text)
        raise _not_a_message()
    in_query = query_value(request, "message")
    if in_query and kind != "application/json":
        return Payload(ContentType.TEXT, in_query)
    body = await read_body(request)
    value = _json_value(kind, body)
    given = value if isinstance(value, dict) else {}
    text = Params(surface_of(request), given, query_pairs(request)).text("message")
    if text:
        return Payload(ContentType.TEXT, text)
    if not body.strip():
        raise _not_a_message()
    return Payload(ContentType.JSON if kind == "application/json" and value else ContentType.TEXT, value)


def _json_value(kind: str, body: bytes) -> Any:
    if not body.strip():
        return None
    try:
        return decode_json(body)
    except InvalidInput:
        if kind == "application/json":
            raise
        raise _not_a_message() from None


def _not_a_message() -> InvalidInput:
    return InvalidInput(
        "The POST body could not be read as a message. Send a form or JSON object with the field 'message', any "
        "JSON value with Content-Type application/json, or any bytes with Content-Type application/octet-stream.",
    )


def _posted_fields(surface: Surface, posted: Posted) -> dict[str, Any]:
    """Kept as it is in both cases: a message of JSON null is shown, too."""
    links = actor_links(surface, posted.actor)
    binary = posted.payload.is_binary
    return {
        surface.spell("execution_id"): posted.execution_id,
        "msg": "binary - omitted" if binary else posted.payload.value,
        "_links": {
            "self": f"{links['executions']}/{posted.execution_id}",
            "owner": links["owner"],
            "messages": f"{links['self']}/messages",
        },
    }


class _Posting:
    """From a request to a message that is on disk."""

    def __init__(self, mailbox: Mailbox, identity: Identity, caller: Caller, settings: Settings) -> None:
        self._mailbox = mailbox
        self._caller = caller
        self._limit = settings.max_content_length
        self._hidden = hidden_names(settings)
        self._letters: Batcher[_Letter, Posted] = Batcher(_deliver(identity, mailbox))

    async def post(
        self,
        request: Request[Any, Any, Any],
        actor_id: str,
        sender: Credentials | Principal,
        execution_id: str | None = None,
        place: Place | None = None,
    ) -> Posted:
        """Post the message; raises Unavailable if there is no place to wait for its execution in."""
        key = key_of(request)
        is_binary = media_type_of(request) == BYTES and not query_value(request, "message")
        # Who may take long to find is not to be looked up with the batch, in which others' messages are.
        if not isinstance(sender, Principal) and (is_binary or self._caller.may_take_long(sender)):
            sender = await self._caller.identify(sender)
        if is_binary and isinstance(sender, Principal):
            if place is not None:
                place.take(sender)
            return await self._post_binary(request, actor_id, sender, execution_id, place, key)
        payload, environment = await _payload(request), environment_of(request, self._hidden)
        return await self._letters.submit(_Letter(sender, actor_id, payload, environment, execution_id, place, key))

    async def _post_binary(
        self,
        request: Request[Any, Any, Any],
        actor_id: str,
        who: Principal,
        execution_id: str | None,
        place: Place | None,
        key: str | None,
    ) -> Posted:
        begin = partial(self._mailbox.begin_upload, digested=key is not None)
        upload = await to_thread.run_sync(begin, who, actor_id, self._limit, execution_id)
        try:
            upload.require_room(announced_size(request) or 0)  # or all would be sent in vain
            await receive(request, upload)
        except BaseException:
            await abandon(upload)
            raise
        environment, payload = environment_of(request, self._hidden), upload.payload()
        letter = _Letter(who, actor_id, payload, environment, upload.execution_id, place, key, upload.data_digest)
        try:
            posted = await self._letters.submit(letter)
        except AbacoError:  # of anything else we do not know whether the message is on disk
            await abandon(upload)
            raise
        if posted.execution_id != upload.execution_id:  # it was sent before
            await abandon(upload)
        return posted


async def _answer_again(
    synchronous: Synchronous, bells: Bells, request: Request[Any, Any, Any], posted: Posted
) -> Response[bytes]:
    with bells.bell(f"execution:{posted.execution_id}") as bell:
        bell.ring()  # whatever there is to hear may have been said
        return await synchronous.answer(request, posted, bell, _posted_fields(surface_of(request), posted))


def message_routes(
    mailbox: Mailbox,
    identity: Identity,
    synchronous: Synchronous,
    waiters: Waiters,
    bells: Bells,
    caller: Caller,
    wire: Wire,
    settings: Settings,
) -> list[BaseRouteHandler]:
    posting = _Posting(mailbox, identity, caller, settings)

    @post(_PATH, **_SEND)
    async def send_message(request: Request[Any, Any, Any], actor_id: FromPath[str]) -> Any:
        credentials = credentials_of(request)  # before the body: a stranger is told so at once
        if not is_synchronous(request):
            posted = await posting.post(request, actor_id, credentials)
            return wire.success(_DONE, _posted_fields(surface_of(request), posted))
        execution_id = new_id()
        # Hung up before anybody can speak of the execution: then there is no need to look without being told.
        with waiters.places.place() as place, bells.bell(f"execution:{execution_id}") as bell:
            posted = await posting.post(request, actor_id, credentials, execution_id, place)
            if posted.execution_id != execution_id:  # it was sent before
                return await _answer_again(synchronous, bells, request, posted)
            return await synchronous.answer(request, posted, bell, _posted_fields(surface_of(request), posted))

    @get(_PATH, **documented("getMessages", "Count the messages that wait.", schemas.Messages))
    async def count_messages(request: Request[Any, Any, Any], actor_id: FromPath[str]) -> Any:
        actor, count = await caller.call(request, lambda who: mailbox.count(who, actor_id))
        links = actor_links(surface_of(request), actor)
        own = {"self": f"{links['self']}/messages", "owner": links["owner"]}
        return wire.success(_DONE, {"messages": count, "_links": own})

    @delete(_PATH, **documented("deleteMessages", "Drop the messages that wait.", schemas.Purged))
    async def purge_messages(request: Request[Any, Any, Any], actor_id: FromPath[str]) -> Any:
        actor = await caller.call(request, lambda who: mailbox.purge(who, actor_id))
        bells.hear({f"actor:{actor.id}"})  # whoever waits for what was dropped
        links = actor_links(surface_of(request), actor)
        own = {"self": f"{links['self']}/messages", "owner": links["owner"]}
        return wire.success(_DONE, {"msg": "Actor mailbox purged.", "_links": own})

    return [send_message, count_messages, purge_messages]
