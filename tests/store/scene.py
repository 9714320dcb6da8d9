"""What tests of the store need to have happened, in a line each."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from abaco.domain.actor import Actor
from abaco.domain.execution import Claim, Execution, Outcome, StopReason
from abaco.domain.lifecycle import ActorStatus, ExecutionStatus
from abaco.domain.message import ContentType, Payload
from abaco.ports import ClaimRequest, Closing, NewMessage, Store

__all__ = [
    "NOW",
    "TENANT",
    "add_actor",
    "an_actor",
    "claim",
    "claim_all",
    "close",
    "closing",
    "later",
    "new_message",
    "outcome",
    "post",
    "status_of",
]

NOW = datetime(2026, 4, 29, 21, 46, 53, 393_000, UTC)
TENANT = "DEV"

_ACTOR = Actor(
    id="actor1",
    tenant=TENANT,
    owner="ada",
    api_server="https://abaco.test",
    image="abacosamples/test",
    name="counter",
    description="",
    type="none",
    default_environment={},
    stateless=True,
    state={},
    hints=(),
    link="",
    webhook="",
    token=None,
    privileged=False,
    use_container_uid=False,
    run_as_executor=False,
    queue="default",
    max_workers=None,
    mem_limit=None,
    max_cpus=None,
    log_ex=None,
    cron_schedule=None,
    cron_on=False,
    cron_start_at=None,
    cron_next_at=None,
    uid=None,
    gid=None,
    tasdir=None,
    revision=1,
    status=ActorStatus.SUBMITTED,
    status_message="",
    created_at=NOW,
    updated_at=NOW,
)


def later(**duration: int) -> datetime:
    """A moment after NOW: ``later(seconds=5)``."""
    return NOW + timedelta(**duration)


def an_actor(actor_id: str = "actor1", **changes: Any) -> Actor:
    return replace(_ACTOR, id=actor_id, **changes)


def add_actor(store: Store, actor_id: str = "actor1", **changes: Any) -> Actor:
    actor = an_actor(actor_id, **changes)
    store.actors.add(actor)
    return actor


def new_message(execution_id: str, actor_id: str = "actor1", value: Any = "hello", **changes: Any) -> NewMessage:
    payload = changes.pop("payload", None) or Payload(ContentType.TEXT, value)
    executor = changes.pop("executor", {})
    execution = Execution(
        id=execution_id,
        actor_id=actor_id,
        tenant=TENANT,
        api_server="https://abaco.test",
        executor="ada",
        status=ExecutionStatus.SUBMITTED,
        received_at=NOW,
        **executor,
    )
    return NewMessage(actor_id, execution, payload, revision=1, **changes)


def post(store: Store, *execution_ids: str, actor_id: str = "actor1") -> None:
    store.mailbox.add([new_message(id_, actor_id) for id_ in execution_ids])


def claim(
    store: Store,
    actor_id: str = "actor1",
    *,
    engine: str = "engine1",
    worker: str = "worker1",
    exclusive: bool = False,
    now: datetime = NOW,
) -> Claim | None:
    """The next message of the actor, leased, or None."""
    claims = store.claims.claim(engine, [ClaimRequest(actor_id, worker, exclusive, "sha256:1")], now)
    assert len(claims) <= 1
    return claims[0] if claims else None


def claim_all(store: Store, actor_id: str = "actor1", *, engine: str = "engine1", limit: int = 100) -> list[Claim]:
    """As many of the actor's messages as `limit` idle workers get in one call."""
    requests = [ClaimRequest(actor_id, f"worker{n}", exclusive=False, image_digest="sha256:1") for n in range(limit)]
    return store.claims.claim(engine, requests, NOW)


def outcome(**changes: Any) -> Outcome:
    ended = Outcome(
        ExecutionStatus.COMPLETE,
        StopReason.EXITED,
        finished_at=later(seconds=5),
        started_at=NOW,
        exit_code=0,
    )
    return replace(ended, **changes)


def closing(claim: Claim, log: str = "", lifetime_seconds: int = 3600, **changes: Any) -> Closing:
    return Closing(
        claim.execution_id, claim.attempt, outcome(**changes), log, lifetime_seconds, claim.payload.is_binary
    )


def close(store: Store, claim: Claim, log: str = "", *, engine: str = "engine1", now: datetime = NOW) -> bool:
    """Whether the closing landed."""
    landed: Sequence[bool] = store.executions.close(engine, [closing(claim, log)], now)
    return landed == [True]


def status_of(store: Store, execution_id: str, actor_id: str = "actor1") -> ExecutionStatus:
    execution = store.executions.find(actor_id, execution_id)
    assert execution is not None
    return execution.status
