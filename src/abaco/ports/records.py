"""What the store takes and gives, where no object of the domain says it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from abaco.domain.actor import Actor
from abaco.domain.execution import Execution, Outcome
from abaco.domain.message import Payload
from abaco.domain.permission import Level
from abaco.domain.send_key import SendKey
from abaco.domain.worker import Worker

__all__ = [
    "ActorPosition",
    "ClaimRequest",
    "Closing",
    "EarlierSend",
    "ImageRecord",
    "NewMessage",
    "PlacedWorker",
    "Requeue",
    "StoredResult",
    "StoredToken",
    "Waiting",
    "WorkersAdded",
]


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A token as it is kept: by digest only.

    `kind` is ``access`` or ``refresh``. `client_key` names the OAuth client that it was granted to; "" is a sign-in
    without client, None a token that an administrator issued.
    """

    tenant: str
    username: str
    expires_at: datetime | None
    kind: str = "access"
    client_key: str | None = None


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message to be born together with its execution, unless its `key` was used before.

    `max_run_time`, in seconds, shortens what its actor allows.
    """

    actor_id: str
    execution: Execution
    payload: Payload
    revision: int
    environment: Mapping[str, str] = field(default_factory=dict)
    jwt_header: str | None = None
    max_run_time: float | None = None
    key: SendKey | None = None


@dataclass(frozen=True, slots=True)
class EarlierSend:
    """What a key was used for: the execution, and the digest of the message."""

    execution_id: str
    content: str


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """A worker asks for its actor's next messages, `count` at most. `exclusive`: the actor is stateful.

    Of a stateful actor it gets one. `revision` is the worker's: it gets nothing once its actor has a newer one. None
    gets messages of any.
    """

    actor_id: str
    worker_id: str
    exclusive: bool
    image_digest: str
    revision: int | None = None
    count: int = 1


@dataclass(frozen=True, slots=True)
class Waiting:
    """An actor with waiting messages, or one that needs a look (SUBMITTED, SHUTTING_DOWN, with requested workers)."""

    actor: Actor
    count: int
    requested: int = 0


@dataclass(frozen=True, slots=True)
class PlacedWorker:
    """A worker and where it lives; None once its engine is gone. `checked_at` is when that last showed life."""

    worker: Worker
    host: str | None
    address: str | None
    checked_at: datetime | None


@dataclass(frozen=True, slots=True)
class WorkersAdded:
    """What came of a request for workers: how many there were (or were on their way), and how many came on top."""

    before: int
    added: int


@dataclass(frozen=True, slots=True)
class Closing:
    """The end of an attempt: all of it lands in one transaction, or (a later attempt has begun) nothing does.

    `is_binary` says whether its message has binary data; `results` are those that were not stored before.
    """

    execution_id: str
    attempt: int
    outcome: Outcome
    log_text: str
    log_lifetime_seconds: int
    is_binary: bool
    results: Sequence[bytes] = ()
    result_lifetime_seconds: int = 0


@dataclass(frozen=True, slots=True)
class StoredResult:
    """A result that nobody has taken; `number` rises in the order of storing."""

    number: int
    execution_id: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Requeue:
    """An attempt that did not come about: its message goes back, to be claimed from `not_before` on (None: at once).

    `reason` is for the user, where something went wrong. What is not `is_begun` does not count among the attempts: its
    worker promises that it did nothing of it, and will not.
    """

    execution_id: str
    attempt: int
    not_before: datetime | None = None
    reason: str | None = None
    is_begun: bool = True


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """A name that is known here. `source` is ``archive`` (imported), ``push`` or ``registry`` (pulled)."""

    name: str
    digest: str
    source: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ActorPosition:
    """An actor with its caller's effective level, as one look-up returns them."""

    actor: Actor
    level: Level
