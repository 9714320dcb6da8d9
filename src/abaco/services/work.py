"""What the engine does with messages: claim them for workers, record what comes of them, give lost ones back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from abaco.domain.actor import Actor, memory_bytes
from abaco.domain.event import (
    ActorFailed,
    ActorReady,
    ExecutionClaimed,
    ExecutionFinished,
    ExecutionRequeued,
    LateOutcomeIgnored,
)
from abaco.domain.execution import Claim, Outcome, StopReason, context, not_run
from abaco.domain.lifecycle import ExecutionStatus
from abaco.domain.mount import MountRules, mounts_of
from abaco.domain.queue import Queue
from abaco.domain.run_time import run_limit, seconds_text
from abaco.errors import AbacoError
from abaco.ports import (
    ClaimRequest,
    Clock,
    Closing,
    ContainerSpec,
    Emit,
    ExecutionEnded,
    ImageRef,
    LogAppended,
    Mount,
    Notifier,
    Requeue,
    ResultSent,
    StartFailed,
    Store,
    Task,
)
from abaco.services.configs import ConfigTexts
from abaco.services.execution_tokens import ExecutionTokens
from abaco.services.images import Images

__all__ = ["Limits", "Work"]

_FIRST_RETRY_SECONDS = 0.1
_LONGEST_RETRY_SECONDS = 5.0
_NO_PRIVILEGES = "Privileged containers are not available on this server any more: update the actor without privileged."
_REMEMBERED = 10_000
_UNLIMITED_SECONDS = 10 * 365 * 86_400.0
"""Of a token whose execution has no run time limit: its attempt's end revokes it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What holds for executions whose actors do not say; the settings of the same names, and the queues."""

    max_run_seconds: float
    stop_grace_seconds: float
    max_pids: int
    max_log_length: int
    log_ex: int
    log_ex_limit: int
    result_ex: int
    start_tries: int
    max_attempts: int
    default_token: bool
    queues: Mapping[str, Queue]
    privileged: bool = False
    mount_rules: MountRules = field(default_factory=MountRules)


class Work:
    def __init__(
        self,
        engine_id: str,
        store: Store,
        images: Images,
        configs: ConfigTexts,
        tokens: ExecutionTokens,
        clock: Clock,
        emit: Emit,
        answers: Notifier,
        limits: Limits,
    ) -> None:
        self._engine_id = engine_id
        self._store = store
        self._images = images
        self._configs = configs
        self._tokens = tokens
        self._clock = clock
        self._emit = emit
        self._answers = answers
        self._limits = limits
        # Not `attempts`: that also counts those that an engine's end cut short.
        self._failed_starts: dict[str, int] = {}

    # --- claiming ---

    def claim(self, requests: Sequence[ClaimRequest]) -> list[tuple[Claim, Task | None]]:
        """The next messages for these idle workers, and what the workers are to run; None if that was refused."""
        claims = self._store.claims.claim(self._engine_id, requests, self._clock.now())
        for claim in claims:
            self._emit(ExecutionClaimed(claim.actor.id, claim.execution_id, claim.attempt, claim.worker_id))
        configs = self._configs.of_actors({claim.actor.id for claim in claims}) if claims else {}
        return [(claim, self._task_or_refusal(claim, configs.get(claim.actor.id, "{}"))) for claim in claims]

    def _task_or_refusal(self, claim: Claim, configs: str | AbacoError) -> Task | None:
        if claim.actor.privileged and not self._limits.privileged:
            self._refuse(claim, _NO_PRIVILEGES)
        elif isinstance(configs, AbacoError):
            self._refuse(claim, configs.message)
        else:
            return self._task(claim, configs)
        return None

    def _refuse(self, claim: Claim, reason: str) -> None:
        """End an execution in ERROR. Every other of its actor would fare alike, but what is wrong is soon mended: the
        actor stays.
        """
        self._close([claim], [self._closing(claim, not_run(reason, self._clock.now()), "")])

    def _task(self, claim: Claim, configs: str) -> Task:
        actor, limits = claim.actor, self._limits
        queue = limits.queues[actor.queue]
        max_cpus = queue.max_cpus if actor.max_cpus is None else actor.max_cpus
        owner_token = actor.gives_owner_token(limits.default_token)
        seconds = self._run_limit(claim)
        token = self._tokens.issue(claim, self._clock.now(), seconds or _UNLIMITED_SECONDS, owner_token=owner_token)
        spec = ContainerSpec(
            execution_id=claim.execution_id,
            environment=context(claim, token, configs),
            user=_user(claim),
            memory=memory_bytes(self._memory(actor)),
            cpus=max_cpus / 1e9 if max_cpus > 0 else None,
            pids=limits.max_pids,
            max_run_seconds=seconds,
            stop_grace_seconds=limits.stop_grace_seconds,
            binary=(lambda: self._store.mailbox.chunks(claim.execution_id)) if claim.payload.is_binary else None,
            devices=actor.gpus,
            warm=actor.is_warm,
            privileged=actor.privileged,
            mounts=[
                Mount(one.host_path, one.container_path, read_only=one.mode == "ro")
                for one in mounts_of(limits.mount_rules, actor)
            ],
        )
        return Task(claim.attempt, spec, limits.max_log_length)

    def _run_limit(self, claim: Claim) -> float | None:
        return run_limit(self._limits.max_run_seconds, claim.actor.max_run_time, claim.max_run_time)

    # --- recording ---

    def record_output(self, results: Sequence[ResultSent], logs: Sequence[LogAppended]) -> None:
        """Make readable what running containers sent."""
        if results:
            expires_at = self._clock.now() + timedelta(seconds=self._limits.result_ex)
            actor_ids = self._store.results.append(results, expires_at)
            self._tell(execution=(result.execution_id for result in results), results=actor_ids)
        if logs:
            self._store.logs.append(logs)
            self._tell(log=(piece.execution_id for piece in logs))

    def finish(self, ended: Sequence[tuple[Claim, ExecutionEnded]]) -> None:
        """Land the outcomes. Word from a lease that was lost is announced and otherwise ignored."""
        closings = [
            replace(
                self._closing(claim, self._said(claim, event.outcome), event.log_text),
                results=event.results,
                result_lifetime_seconds=self._limits.result_ex,
            )
            for claim, event in ended
        ]
        self._close([claim for claim, _ in ended], closings)

    def _said(self, claim: Claim, outcome: Outcome) -> Outcome:
        """`outcome`, which says of a limit that was reached how much it was."""
        limit = None
        if outcome.reason is StopReason.TIMED_OUT and (seconds := self._run_limit(claim)) is not None:
            limit = f"{seconds_text(seconds)} seconds"
        elif outcome.reason is StopReason.OUT_OF_MEMORY and memory_bytes(memory := self._memory(claim.actor)):
            limit = f"the limit is {memory}"
        return outcome if outcome.error or limit is None else replace(outcome, error=f"{outcome.reason.value}: {limit}")

    def _memory(self, actor: Actor) -> str:
        return actor.mem_limit or self._limits.queues[actor.queue].mem_limit

    def _close(self, claims: Sequence[Claim], closings: Sequence[Closing]) -> None:
        landed = self._store.executions.close(self._engine_id, closings, self._clock.now())
        for claim in claims:
            self._failed_starts.pop(claim.execution_id, None)
        self._tell(
            execution=(claim.execution_id for claim, did_land in zip(claims, landed, strict=True) if did_land),
            results=(one.actor.id for one, closing in zip(claims, closings, strict=True) if closing.results),
            failed=(one.actor.id for one, closing in zip(claims, closings, strict=True) if _failed(closing)),
        )
        for claim, closing, did_land in zip(claims, closings, landed, strict=True):
            if not did_land:
                self._emit(LateOutcomeIgnored(claim.execution_id, claim.attempt))
                continue
            out = closing.outcome
            self._emit(
                ExecutionFinished(
                    claim.actor.id, claim.execution_id, claim.attempt, out.status, out.reason, out.exit_code
                ),
            )

    def _tell(self, **ids: Iterable[str]) -> None:
        """Wake requests that wait for these executions, or follow logs or actors' results, now that it is on disk."""
        self._answers.notify(*dict.fromkeys(f"{what}:{each}" for what, some in ids.items() for each in some))

    def _closing(self, claim: Claim, outcome: Outcome, log_text: str) -> Closing:
        lifetime = self._limits.log_ex if claim.actor.log_ex is None else claim.actor.log_ex
        lifetime = min(lifetime, self._limits.log_ex_limit)
        return Closing(claim.execution_id, claim.attempt, outcome, log_text, lifetime, claim.payload.is_binary)

    def start_failed(self, claim: Claim, event: StartFailed) -> float | None:
        """Give the message back for another try and return the delay in seconds; None if it was the last try.

        Then the execution ends in ERROR, and so does its actor, if every other message of it would fare alike.
        """
        reason = f"Error executing container: {event.reason}"
        tries = self._failed_starts.get(claim.execution_id, 0) + 1
        if tries >= self._limits.start_tries:
            now = self._clock.now()
            self._close([claim], [self._closing(claim, not_run(reason, now), "")])
            if not self._is_of_this_message(claim, event):
                self.actor_failed(claim.actor.id, claim.actor.revision, reason)
            return None
        delay: float = min(_FIRST_RETRY_SECONDS * 2.0 ** (tries - 1), _LONGEST_RETRY_SECONDS)
        self._failed_starts[claim.execution_id] = tries
        if len(self._failed_starts) > _REMEMBERED:  # by messages that were purged between two tries
            del self._failed_starts[next(iter(self._failed_starts))]
        not_before = self._clock.now() + timedelta(seconds=delay)
        self._store.claims.requeue([Requeue(claim.execution_id, claim.attempt, not_before, reason)])
        self._emit(ExecutionRequeued(claim.execution_id, reason))
        return delay

    def _is_of_this_message(self, claim: Claim, event: StartFailed) -> bool:
        """Whether the message itself may be why no container started: who may send one may not stop the actor.

        Programs are looked up in the PATH that it brought, as the user who sent it if the actor runs as them. And what
        an image's program says of itself is not believed once a container of that image has run.
        """
        is_senders = "PATH" in claim.environment or claim.executor_ids is not None
        return is_senders or (event.by_output and self._store.executions.has_run(claim.actor.id, claim.execution_id))

    def returned(self, claims: Sequence[tuple[Claim, int]]) -> None:
        """Give messages back that their worker did not come to."""
        self._store.claims.requeue(
            [Requeue(claim.execution_id, attempt, is_begun=False) for claim, attempt in claims],
        )

    # --- actors and their images ---

    def image_for(self, actor: Actor) -> ImageRef:
        """What a new worker of `actor` runs; a new revision asks the registry again."""
        pull = actor.revision > 1 and actor.status == "SUBMITTED"
        return self._images.reference(actor.image, actor.tenant, pull=pull)

    def actor_ready(self, actor_id: str, revision: int, image: ImageRef, digest: str) -> None:
        if image.digest is None:
            self._images.pulled(image.name, digest)
        if self._store.actors.mark_ready(actor_id, revision, self._clock.now()):
            self._emit(ActorReady(actor_id, digest))

    def actor_failed(self, actor_id: str, revision: int, reason: str) -> None:
        if self._store.actors.mark_error(actor_id, revision, reason, self._clock.now()):
            self._emit(ActorFailed(actor_id, reason))

    # --- what was lost ---

    def reclaim(self, engine_ids: Iterable[str]) -> int:
        """Return to their mailboxes the messages that dead engines held, and forget those engines; how many."""
        return sum(self._give_back(engine_id, self._limits.max_attempts, "its engine died") for engine_id in engine_ids)

    def release(self) -> None:
        """Give back what this engine still holds, when it stops."""
        self._give_back(self._engine_id, None, "its engine stopped")

    def _give_back(self, engine_id: str, max_attempts: int | None, reason: str) -> int:
        lost = self._store.claims.reclaim(engine_id, self._clock.now(), max_attempts)
        self._tell(execution=lost)
        for execution_id in lost:
            self._emit(ExecutionRequeued(execution_id, reason))
        self._store.engines.remove(engine_id)
        return len(lost)


def _failed(closing: Closing) -> bool:
    """Whether who waits for results has to look what became of the execution."""
    return closing.outcome.status is not ExecutionStatus.COMPLETE or closing.outcome.exit_code != 0


def _user(claim: Claim) -> tuple[int, int] | None:
    """Whom the container runs as: the owner when the directory knows their ids, else the image's own user.

    An actor that says `run_as_executor` runs as who sent the message; what the service sends itself runs as the owner.
    """
    actor = claim.actor
    if actor.run_as_executor and claim.executor_ids is not None:
        return claim.executor_ids
    if actor.use_container_uid or actor.uid is None:
        return None
    return actor.uid, actor.gid or 0
