"""Everything durable, one repository a resource.

Every method is one transaction unless it says otherwise, and durable (fsync) when it returns. `get` raises NotFound,
`find` returns None.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from abaco.domain.actor import Actor
from abaco.domain.client import OAuthClient
from abaco.domain.execution import Claim, Execution, ExecutionSummary
from abaco.domain.permission import Level
from abaco.domain.tenant import Tenant
from abaco.domain.user import User
from abaco.domain.worker import Worker
from abaco.ports.admin import AdminRepository
from abaco.ports.configs import ConfigRepository
from abaco.ports.mailbox import Mailbox
from abaco.ports.pool import LogAppended, ResultSent
from abaco.ports.reactors import OutboxRepository, ScheduleRepository
from abaco.ports.records import (
    ActorPosition,
    ClaimRequest,
    Closing,
    ImageRecord,
    PlacedWorker,
    Requeue,
    StoredResult,
    StoredToken,
    Waiting,
    WorkersAdded,
)
from abaco.ports.search import SearchRepository
from abaco.ports.sharing import AliasRepository, NonceRepository
from abaco.ports.situations import SituationRepository

__all__ = [
    "ActorRepository",
    "ClaimRepository",
    "ClientRepository",
    "EngineRepository",
    "ExecutionRepository",
    "ImageRepository",
    "LogRepository",
    "PermissionRepository",
    "ResultRepository",
    "StateRepository",
    "Store",
    "TenantRepository",
    "TokenRepository",
    "UserRepository",
    "WorkerRepository",
]


class TenantRepository(Protocol):
    def put(self, tenant: Tenant) -> None:
        """Add the tenant, or replace what is known of an existing one."""

    def find(self, tenant_id: str) -> Tenant | None: ...

    def match(self, name: str) -> Tenant | None:
        """The tenant whose id is `name` whatever the case of its letters."""

    def all(self) -> list[Tenant]:
        """By id."""


class UserRepository(Protocol):
    def put(self, user: User, password_hash: str) -> None:
        """Add the user, or replace all that is known of an existing one. The tenant must exist."""

    def find(self, tenant: str, name: str) -> User | None:
        """The user; one that was removed is found without roles."""

    def find_password(self, tenant: str, name: str) -> tuple[User, str] | None:
        """The user and the hash of their password, which is "" if they were removed."""

    def all(self, tenant: str) -> list[User]:
        """Those of a tenant by name, without the removed ones."""

    def remove(self, tenant: str, name: str) -> None:
        """Take roles and password away, and all that `revoke` does; what they own keeps its owner."""

    def revoke(self, tenant: str, name: str) -> None:
        """Delete every token, OAuth client and nonce of the user."""


class TokenRepository(Protocol):
    def add(self, tokens: Mapping[str, StoredToken]) -> None:
        """Keep tokens by their digests."""

    def find_user(self, digest: str, now: datetime) -> User | None:
        """The user an unexpired access token belongs to, in one query; None for one that was removed."""

    def find_refresh(self, digest: str, client_key: str, now: datetime) -> StoredToken | None:
        """The unexpired refresh token, if it was granted to this client."""

    def rotate(self, digest: str, tokens: Mapping[str, StoredToken]) -> bool:
        """Replace a refresh token by `tokens`; False, and nothing happens, if it is gone: it can be used once."""

    def revoke(self, digest: str, client_key: str | None) -> None:
        """Delete a token of this client (None: of any); with a refresh token all that its user has from the client."""

    def revoke_granted(self, tenant: str, username: str) -> None:
        """Delete the tokens that the user's password was good for; those of administrators stay."""

    def prune(self, now: datetime) -> int:
        """Remove expired tokens; how many."""


class ClientRepository(Protocol):
    def add(self, client: OAuthClient, secret_digest: str) -> None:
        """Raises Conflict if the user has one of this name."""

    def find(self, tenant: str, username: str, name: str) -> OAuthClient | None: ...

    def find_key(self, key: str) -> tuple[OAuthClient, str] | None:
        """The client with this key, and the digest of its secret."""

    def of_user(self, tenant: str, username: str) -> list[OAuthClient]:
        """In order of creation."""

    def remove(self, client: OAuthClient) -> None:
        """Delete the client and every token granted to it."""


class PermissionRepository(Protocol):
    """Entries of actors, aliases and configs, by the object's internal id."""

    def entries(self, object_id: str) -> dict[str, Level]: ...

    def grant(self, object_id: str, username: str, level: Level) -> None:
        """Add or replace one entry."""


class ActorRepository(Protocol):
    def add(self, actor: Actor) -> None:
        """Add the actor and its owner's UPDATE entry."""

    def find(self, tenant: str, identifier: str, username: str) -> ActorPosition | None:
        """The actor with this id, else this alias, and `username`'s level on it; deleted ones are not found."""

    def list_visible(self, tenant: str, username: str) -> list[Actor]:
        """Actors on which `username` has READ by an explicit or the world's entry, in order of registration.

        Raises InvalidInput if they are too large together.
        """

    def owned(self, tenant: str, owner: str) -> list[str]:
        """The ids of the owner's actors, without deleted ones."""

    def exists(self, actor_id: str) -> bool:
        """Whether there is such an actor, in whichever tenant, that is not deleted."""

    def change(self, tenant: str, actor_id: str, editor: str, revise: Callable[[Actor], Actor]) -> Actor:
        """Replace the actor by what `revise` makes of it, in one transaction; raises NotFound.

        An editor who is not the owner gets an UPDATE entry.
        """

    def mark_ready(self, actor_id: str, revision: int, now: datetime) -> bool:
        """Enter READY; True if this was the transition (not for an older revision or a deleted actor).

        The event of it, and of all that follows, is added if the actor has a link or a webhook (`OutboxRepository`).
        """

    def mark_error(self, actor_id: str, revision: int, reason: str, now: datetime) -> bool:
        """Enter ERROR with `reason` as the status message; True if this was the transition."""

    def begin_delete(self, tenant: str, actor_id: str, now: datetime) -> None:
        """Hide the actor (SHUTTING_DOWN), drop its messages, aliases, nonces, places in configs, logs, results.

        Executions of dropped messages end in ERROR. Hidden it is at once; the rest goes in pieces, and if this is cut
        off, by `finish_deletes`. Raises NotFound for an unknown or already deleted actor.
        """

    def remaining_executions(self, actor_id: str) -> int:
        """Executions of the actor that still run."""

    def finish_deletes(self) -> int:
        """Remove deleted actors with nothing left running, with their permissions and state; how many.

        Of what a deletion that was cut off has left, a piece.
        """


class ClaimRepository(Protocol):
    """Leases on messages: who works on what, and what becomes of a lost lease."""

    def claim(self, engine_id: str, requests: Sequence[ClaimRequest], now: datetime) -> list[Claim]:
        """Lease messages to workers; their executions become RUNNING, their attempts count up.

        Messages are leased in the order received, those that their senders delayed once they are due. Of a stateful
        actor none is leased while another worker of it has one (P3), nor while the first waits to be tried again.
        """

    def requeue(self, requeues: Sequence[Requeue]) -> None:
        """Return attempts that could not start; those of a lost lease are ignored."""

    def waiting(self, actor_ids: Iterable[str] | None, now: datetime, cap: int) -> list[Waiting]:
        """The named actors (None: every one that needs a look) with their due waiting messages counted to `cap`."""

    def fallen_due(self, since: datetime, now: datetime) -> tuple[set[str], datetime | None]:
        """The actors with messages that fell due after `since`, until `now`; and when the next does, None if none."""

    def reclaim(self, engine_id: str, now: datetime, max_attempts: int | None) -> list[str]:
        """Return to the mailbox what `engine_id` held; the execution ids.

        A lost attempt leaves no logs, results or state. A message whose attempts have reached `max_attempts` ends
        in ERROR; None, when an engine gives back by itself what it holds, is no limit.
        """


class ExecutionRepository(Protocol):
    def find(self, actor_id: str, execution_id: str) -> Execution | None: ...

    def of_actor(self, actor_id: str) -> list[Execution]:
        """All of the actor's, oldest first."""

    def summary(self, actor_id: str) -> ExecutionSummary:
        """The same, as far as a summary tells of them."""

    def has_run(self, actor_id: str, execution_id: str) -> bool:
        """Whether a container of the image that this execution has was ever started for the actor."""

    def request_halt(self, actor_id: str, execution_id: str) -> None:
        """Ask for the running execution to be stopped; raises NotFound, or Conflict if it does not run."""

    def halts(self, engine_id: str) -> list[tuple[str, int]]:
        """(execution id, attempt) of what this engine runs and was asked, or the actor's deletion asks, to stop."""

    def close(self, engine_id: str, closings: Sequence[Closing], now: datetime) -> list[bool]:
        """Land outcomes, logs and staged states and remove the messages; False where the lease was lost."""


class LogRepository(Protocol):
    def find(self, execution_id: str, now: datetime) -> str:
        """The unexpired log, "" if there is none."""

    def piece(self, execution_id: str, offset: int, length: int, now: datetime) -> str:
        """At most `length` characters of it, without the first `offset`."""

    def append(self, pieces: Sequence[LogAppended]) -> None:
        """Add to the logs of running attempts; nothing happens for lost ones."""

    def prune(self, now: datetime) -> int:
        """Remove expired logs; how many."""


class ResultRepository(Protocol):
    def append(self, sent: Sequence[ResultSent], expires_at: datetime) -> set[str]:
        """Queue results of current attempts in order; nothing happens for lost ones. The ids of their actors."""

    def of_actor(self, actor_id: str, after: int, limit: int, now: datetime) -> list[StoredResult]:
        """Unexpired results that nobody took, those numbered higher than `after`, in the order of their numbers.

        What is stored later has a higher number than whatever could be read before.
        """

    def peek(self, execution_id: str, now: datetime) -> bytes | None:
        """The oldest unexpired result, which stays, or None."""

    def pop(self, execution_id: str, now: datetime, *, lasting: bool = True) -> bytes | None:
        """Take the oldest unexpired result, or None; two callers never get the same one.

        If it need not be `lasting`, an end of the whole machine may bring the result back.
        """

    def prune(self, now: datetime) -> int:
        """Remove expired results; how many."""


class StateRepository(Protocol):
    def put(self, actor_id: str, state: Any) -> None:
        """Replace the landed state."""

    def stage(self, execution_id: str, attempt: int, state: Any) -> bool:
        """Keep a state written by a running attempt until it closes (P4); False if that attempt is not current."""

    def find_staged(self, execution_id: str, attempt: int) -> tuple[Any] | None:
        """What the attempt staged, in a one-tuple (null is a state, too), or None."""

    def is_current(self, execution_id: str, attempt: int) -> bool:
        """Whether this attempt of the execution is the one that runs."""


class WorkerRepository(Protocol):
    def add(self, worker: Worker) -> None: ...

    def mark_ready(self, worker_id: str) -> None:
        """A REQUESTED worker waits for messages; one that was asked to stop stays so."""

    def remove(self, worker_ids: Sequence[str], *, for_good: bool = False) -> None:
        """Forget workers; `for_good` if requested ones are not to be started again."""

    def of_actor(self, actor_id: str) -> list[Worker]:
        """In the order they were started."""

    def placed(self, actor_id: str) -> list[PlacedWorker]:
        """The same, with where they live."""

    def find(self, actor_id: str, worker_id: str) -> PlacedWorker | None: ...

    def request(self, actor_id: str, number: int) -> WorkersAdded:
        """Have at least `number` workers; raises NotFound if the actor was deleted.

        The number holds until workers are removed for good, or the actor fails or gets a new revision.
        """

    def request_stop(self, actor_id: str, worker_id: str) -> None:
        """Ask a worker to stop once it is free; raises NotFound."""

    def stopping(self, engine_id: str) -> list[str]:
        """The engine's workers that were asked to stop."""


class ImageRepository(Protocol):
    def put(self, record: ImageRecord) -> None: ...

    def find(self, name: str) -> ImageRecord | None: ...

    def all(self) -> list[ImageRecord]: ...


class EngineRepository(Protocol):
    def register(
        self, engine_id: str, host: str, now: datetime, expires_at: datetime, address: str | None = None
    ) -> list[str]:
        """Register an engine; returns the ids of former engines of the same `host`, which are dead (it is locked)."""

    def renew(self, engine_id: str, now: datetime, expires_at: datetime) -> bool:
        """Extend the lease; False if the engine was given up by others meanwhile."""

    def remove(self, engine_id: str) -> None:
        """Forget an engine and its workers; its messages must have been reclaimed."""

    def expired(self, now: datetime) -> list[str]:
        """Engines whose lease ran out."""

    def any_alive(self, now: datetime) -> bool: ...


class Store(Protocol):
    """Everything durable. One repository a resource."""

    tenants: TenantRepository
    users: UserRepository
    tokens: TokenRepository
    clients: ClientRepository
    permissions: PermissionRepository
    actors: ActorRepository
    mailbox: Mailbox
    claims: ClaimRepository
    executions: ExecutionRepository
    logs: LogRepository
    results: ResultRepository
    state: StateRepository
    workers: WorkerRepository
    admin: AdminRepository
    images: ImageRepository
    engines: EngineRepository
    aliases: AliasRepository
    nonces: NonceRepository
    configs: ConfigRepository
    searches: SearchRepository
    outbox: OutboxRepository
    schedules: ScheduleRepository
    situations: SituationRepository

    def close(self) -> None: ...
