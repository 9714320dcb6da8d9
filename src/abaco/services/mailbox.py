"""Posting messages: resolve, require EXECUTE, check, one transaction for many, wake the engine, announce."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from abaco.domain.actor import Actor
from abaco.domain.delay import DELAY_VARIABLE, due_moment, require_delayable
from abaco.domain.environment import MAX_MESSAGE_ENVIRONMENT_BYTES, loads_code, require_environment
from abaco.domain.event import MailboxPurged, MessagePosted
from abaco.domain.execution import submitted
from abaco.domain.ids import NewId
from abaco.domain.lifecycle import ActorStatus
from abaco.domain.message import ContentType, Payload, require_sendable
from abaco.domain.permission import Level
from abaco.domain.run_time import RUN_TIME_VARIABLE, message_run_time
from abaco.domain.send_key import SendKey, send_key
from abaco.domain.user import Principal
from abaco.errors import AbacoError, Conflict, KeyReused, NotPermitted, TooLarge
from abaco.ports import Clock, EarlierSend, Emit, NewMessage, Notifier, Store
from abaco.services.access import Access

__all__ = ["BinaryUpload", "Mailbox", "Post", "Posted", "at_index"]

_MOST_AHEAD = 3


@dataclass(frozen=True, slots=True)
class Post:
    """A message as a request brings it. `execution_id` is given by who has to know it ahead.

    With `synchronous` the request is going to wait for the execution. With a `key` the caller may send it again;
    `data_digest` then stands for binary data.
    """

    caller: Principal
    identifier: str
    payload: Payload
    environment: Mapping[str, str] = field(default_factory=dict)
    execution_id: str | None = None
    synchronous: bool = False
    key: str | None = None
    data_digest: str = ""


@dataclass(frozen=True, slots=True)
class Posted:
    """A message that is on disk (P1), from now on or since its key was used first."""

    actor: Actor
    execution_id: str
    payload: Payload
    keyed: bool = False


class Mailbox:
    def __init__(
        self, store: Store, access: Access, clock: Clock, new_id: NewId, notifier: Notifier, emit: Emit
    ) -> None:
        self._store = store
        self._access = access
        self._clock = clock
        self._new_id = new_id
        self._notifier = notifier
        self._emit = emit

    def post(self, posts: Sequence[Post]) -> list[Posted | AbacoError]:
        """Post messages of many requests in one transaction; for each what became of it, in order.

        If all are synchronous, they are on disk with whatever their executions say, or after `sync`.
        """
        resolved: dict[tuple[Principal, str], Actor | AbacoError] = {}
        prepared = [self._prepare(post, resolved) for post in posts]
        good = [new for new in prepared if isinstance(new, NewMessage)]
        # Who waits for the execution is answered when it has ended, and that lasts: a wait for the disk less.
        others = self._add(good, lasting=not all(post.synchronous for post in posts))
        outcomes: list[Posted | AbacoError] = []
        for post, new in zip(posts, prepared, strict=True):
            if isinstance(new, AbacoError):
                outcomes.append(new)
            else:
                actor = resolved[post.caller, post.identifier]
                assert isinstance(actor, Actor)  # noqa: S101 - or `prepared` would hold the error
                outcomes.append(_outcome(actor, new, others.get(new.execution.id)))
        self._announce([new for new in good if new.execution.id not in others])
        return outcomes

    def require_sender(self, caller: Principal, identifier: str) -> Actor:
        """The actor; raises NotFound or NotPermitted unless `caller` may send it messages."""
        return self._access.require(caller, identifier, Level.EXECUTE)

    def post_all(self, posts: Sequence[Post]) -> list[Posted]:
        """Post messages of one request to one actor in one transaction, in order: all, or none and an error.

        The error names the first message that is wrong.
        """
        actor = self.require_sender(posts[0].caller, posts[0].identifier)
        messages: list[NewMessage] = []
        for index, post in enumerate(posts):
            try:
                messages.append(self._checked(post, actor))
            except AbacoError as error:
                raise at_index(index, error) from None

        outcomes: list[Posted] = []

        def approve(earlier: Mapping[str, EarlierSend]) -> None:
            for index, message in enumerate(messages):
                outcome = _outcome(actor, message, earlier.get(message.execution.id))
                if isinstance(outcome, AbacoError):
                    raise at_index(index, outcome)
                outcomes.append(outcome)

        earlier = self._store.mailbox.add(messages, approve=approve)
        self._announce([message for message in messages if message.execution.id not in earlier])
        return outcomes

    def sync(self) -> None:
        """Have every message on disk that was posted so far."""
        self._store.mailbox.sync()

    def _prepare(
        self, post: Post, resolved: dict[tuple[Principal, str], Actor | AbacoError]
    ) -> NewMessage | AbacoError:
        """The message to store, or what is wrong with it; look-ups shared by the posts of a batch."""
        key = (post.caller, post.identifier)
        try:
            if key not in resolved:
                resolved[key] = self._resolve(post)
            actor = resolved[key]
            if isinstance(actor, AbacoError):
                return actor
            return self._checked(post, actor)
        except AbacoError as error:
            return error

    def _checked(self, post: Post, actor: Actor) -> NewMessage:
        """The message to store; raises what is wrong with it."""
        require_sendable(post.payload)
        require_environment(post.environment, "query parameters", MAX_MESSAGE_ENVIRONMENT_BYTES)
        self._require_harmless(post, actor)
        new = self._new_message(post, actor)
        if post.synchronous:
            self._require_soon(actor, new.key)
        return new

    def _resolve(self, post: Post) -> Actor | AbacoError:
        try:
            return self.require_sender(post.caller, post.identifier)
        except AbacoError as error:
            return error

    def _require_soon(self, actor: Actor, key: SendKey | None) -> None:
        """Raise Conflict if a request would wait for others' messages first (contract 4.6), or in vain.

        A message that was posted already is in the line whatever we say.
        """
        if key is not None and self._store.mailbox.find_send(actor.id, key) is not None:
            return
        if actor.status is ActorStatus.ERROR:
            raise Conflict(
                f"This actor is in ERROR and executes nothing until it is updated: {actor.status_message} "
                "(without _abaco_synchronous the message is taken, and waits for that.)",
            )
        waiting = self._store.mailbox.count(actor.id, self._clock.now())
        if waiting > _MOST_AHEAD:
            raise Conflict(
                f"A synchronous message is refused while more than {_MOST_AHEAD} messages wait, and {waiting} do: "
                "send it without _abaco_synchronous, or try again later.",
            )

    def _require_harmless(self, post: Post, actor: Actor) -> None:
        """Raise NotPermitted for variables that replace an actor's code or server, where it may do more than others."""
        name = next(filter(loads_code, post.environment), None)
        if name is None or self._access.is_owner(post.caller, actor):
            return
        powers = self._powers(actor)
        if powers is not None:
            raise NotPermitted(
                f"Not authorized -- {name[:80]} makes programs load other code or ask others, and this actor runs "
                f"{powers}: only the owner may set it.",
            )

    def _powers(self, actor: Actor) -> str | None:
        """What the actor's code has that who sends it messages should not get."""
        if self._access.gives_owner_token(actor):
            return "with its owner's access token"
        if actor.privileged:
            return "privileged"
        if actor.uid is not None and not (actor.use_container_uid or actor.run_as_executor):
            return "with its owner's uid"
        configs = self._store.configs.of_actors([actor.id])
        return "with secrets" if any(one.is_secret for one in configs.get(actor.id, ())) else None

    def _new_message(self, post: Post, actor: Actor) -> NewMessage:
        ids = self._executor_ids(post.caller) if actor.run_as_executor else (None, None)
        execution_id, now = post.execution_id or self._new_id(), self._clock.now()
        delay = post.environment.get(DELAY_VARIABLE)
        if delay is not None:
            require_delayable(actor, synchronous=post.synchronous)
        execution = submitted(execution_id, actor, post.caller.username, now, ids, due_moment(delay, now))
        return NewMessage(
            actor.id,
            execution,
            post.payload,
            actor.revision,
            post.environment,
            post.caller.jwt_header,
            message_run_time(post.environment.get(RUN_TIME_VARIABLE)),
            _key(post),
        )

    def _executor_ids(self, caller: Principal) -> tuple[int, int | None]:
        """Whom a container runs as whose actor says `run_as_executor`; raises NotPermitted where that is not known."""
        user = self._store.users.find(caller.tenant, caller.username)
        if user is None or user.uid is None:
            raise NotPermitted(
                "Not authorized -- this actor runs as whoever sends the message (run_as_executor), and this server "
                f"does not know the uid of {caller.username}.",
            )
        return user.uid, user.gid

    def _add(self, messages: Sequence[NewMessage], *, lasting: bool) -> dict[str, AbacoError | EarlierSend]:
        """Store all in one transaction; if one spoils it (its actor was just deleted), each in its own.

        What became of those that were not stored, by the ids of the executions they were to become.
        """
        if not messages:
            return {}
        try:
            return dict(self._store.mailbox.add(messages, lasting=lasting))
        except AbacoError as error:
            if len(messages) == 1:
                return {messages[0].execution.id: error}
            others: dict[str, AbacoError | EarlierSend] = {}
            for message in messages:
                others.update(self._add([message], lasting=lasting))
            return others

    def _announce(self, messages: Sequence[NewMessage]) -> None:
        self._notifier.notify(*{f"{_topic(message)}:{message.actor_id}" for message in messages})
        for message in messages:
            execution = message.execution
            kind = message.payload.content_type.value
            self._emit(MessagePosted(execution.tenant, execution.actor_id, execution.id, kind))

    def begin_upload(
        self, caller: Principal, identifier: str, limit: int, execution_id: str | None = None, *, digested: bool = False
    ) -> "BinaryUpload":
        """Prepare to receive a binary message of at most `limit` bytes; checks the permission before the data.

        It is `digested` for a message with a key.
        """
        self.require_sender(caller, identifier)
        return BinaryUpload(self._store, self._clock, execution_id or self._new_id(), limit, digested=digested)

    def count(self, caller: Principal, identifier: str) -> tuple[Actor, int]:
        """How many messages wait."""
        actor = self._access.require(caller, identifier, Level.READ)
        return actor, self._store.mailbox.count(actor.id)

    def purge(self, caller: Principal, identifier: str) -> Actor:
        """Drop all waiting messages; their executions end in ERROR and say why."""
        actor = self._access.require(caller, identifier, Level.UPDATE)
        count = self._store.mailbox.purge(actor.id, self._clock.now())
        self._emit(MailboxPurged(actor.tenant, actor.id, count))
        return actor


def at_index(index: int, error: AbacoError) -> AbacoError:
    """The error, saying which message of a batch it is about."""
    return type(error)(f"messages[{index}]: {error.message}")


def _topic(message: NewMessage) -> str:
    """What the engine hears: that there is a message, or that one will be due."""
    return "message" if message.execution.not_before is None else "delayed"


def _key(post: Post) -> SendKey | None:
    if post.key is None:
        return None
    return send_key(post.key, post.caller, post.payload, post.environment, post.data_digest)


def _outcome(actor: Actor, new: NewMessage, other: AbacoError | EarlierSend | None) -> Posted | AbacoError:
    """What the sender is told of a message; `other` is what kept it from being stored."""
    if isinstance(other, AbacoError):
        return other
    if other is None:
        return Posted(actor, new.execution.id, new.payload, keyed=new.key is not None)
    if new.key is None or other.content != new.key.content:
        return KeyReused(
            "This Idempotency-Key was used for another message to this actor: use a new key for every message, and the "
            "same only to send one again, with the same query parameters.",
        )
    return Posted(actor, other.execution_id, new.payload, keyed=True)


class BinaryUpload:
    """A binary message on its way in, stored in pieces under the id of its future execution.

    Pieces that never become a message (the client went away, the server died) are pruned after a day.
    """

    def __init__(self, store: Store, clock: Clock, execution_id: str, limit: int, *, digested: bool) -> None:
        self.execution_id = execution_id
        self._store = store
        self._clock = clock
        self._limit = limit
        self._size = 0
        self._pieces = 0
        self._digest = sha256() if digested else None

    def require_room(self, size: int) -> None:
        """Raise TooLarge if so many bytes are more than a message may have."""
        if size > self._limit:
            raise TooLarge(f"Message exceeds max content length of: {self._limit}")

    def write(self, data: bytes) -> None:
        """Store the next piece; raises TooLarge past the limit."""
        self._size += len(data)
        self.require_room(self._size)
        if self._digest:
            self._digest.update(data)
        if data:
            self._store.mailbox.add_chunk(self.execution_id, self._pieces, data, self._clock.now())
            self._pieces += 1

    def payload(self) -> Payload:
        return Payload(ContentType.BINARY, None, self._size)

    @property
    def data_digest(self) -> str:
        return self._digest.hexdigest() if self._digest else ""

    def abandon(self) -> None:
        self._store.mailbox.discard_chunks(self.execution_id)
