"""Why an execution waits, or ended as it did, in plain words."""

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from abaco.domain.actor import Actor
from abaco.domain.execution import Execution, StopReason
from abaco.domain.lifecycle import ActorStatus, ExecutionStatus, WorkerStatus
from abaco.domain.moment import iso
from abaco.domain.queue import Queue

__all__ = ["Explanation", "Neighbour", "Places", "Situation", "explain"]

_SIGNALLED = 128
"""Shells, and crun, add this to the number of the signal that ended a program."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """What the actor is at, or the first message in its line.

    `claimed_at` is None while it waits; then `not_before` says until when, if its container could not be started.
    """

    execution_id: str
    claimed_at: datetime | None = None
    not_before: datetime | None = None
    retry_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """What surrounds an execution at one moment. `ahead` are messages of its actor that wait before its own.

    `not_before` is its own: its sender said so, or an attempt could not start, and `retry_reason` says why. `first` is
    what runs of its actor, else the first message in the line, itself included. `workers` are the actor's by status,
    `all_workers` everybody's in its queue, `engines` how many engines are alive.
    """

    engines: int
    ahead: int = 0
    not_before: datetime | None = None
    retry_reason: str | None = None
    first: Neighbour | None = None
    workers: Mapping[WorkerStatus, int] = field(default_factory=dict)
    all_workers: int = 0


@dataclass(frozen=True, slots=True)
class Places:
    """How many workers there may be: in each queue of one engine, and of an actor that does not say."""

    queues: Mapping[str, Queue]
    max_workers_per_actor: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """`code` is for programs, `text` for people. `waits_for` is the execution, `until` the moment waited for."""

    code: str
    text: str
    waits_for: str | None = None
    until: datetime | None = None


def explain(execution: Execution, actor: Actor, situation: Situation, places: Places, now: datetime) -> Explanation:
    """The one reason that matters now."""
    match execution.status:
        case ExecutionStatus.COMPLETE:
            return _ended(execution)
        case ExecutionStatus.ERROR:
            return Explanation("not_run", f"It was not run. {_said(execution)}".strip())
        case ExecutionStatus.RUNNING:
            return _runs(execution, situation, now)
        case _:
            return _waits(actor, situation, places, now, execution)


def _said(execution: Execution) -> str:
    return str((execution.final_state or {}).get("Error") or "")


def _ended(execution: Execution) -> Explanation:
    state = execution.final_state or {}
    reason = state.get("Reason") or state.get("Error")  # older versions wrote the latter only
    code = execution.exit_code
    if reason == StopReason.OUT_OF_MEMORY:
        return Explanation("out_of_memory", "Its container was killed: it needed more memory than it may have.")
    if reason == StopReason.TIMED_OUT:
        return Explanation("time_limit", f"Its container was stopped: {_said(execution)}.")
    if reason == StopReason.HALTED:
        return Explanation("halted", "Its container was killed, as it was halted by request.")
    if code == 0:
        return Explanation("complete", "Its program ended with exit code 0.")
    return Explanation("exit_code", f"Its program ended with exit code {code}{_signal(code)}; its log may say why.")


def _signal(code: int | None) -> str:
    numbers = {number.value: number.name for number in signal.Signals}
    name = numbers.get((code or 0) - _SIGNALLED)
    return f", as if killed by {name}" if name else ""


def _runs(execution: Execution, situation: Situation, now: datetime) -> Explanation:
    if not situation.engines:
        text = "It was being executed when its engine was last heard of. Once an engine runs, it is executed again."
        return Explanation("no_engine", text)
    attempt = f", in attempt {execution.attempts}" if execution.attempts > 1 else ""
    return Explanation("running", f"It has been running for {_since(execution.claimed_at, now)}{attempt}.")


def _waits(actor: Actor, situation: Situation, places: Places, now: datetime, execution: Execution) -> Explanation:
    if actor.status is ActorStatus.ERROR:
        text = f"The actor is in ERROR: {_reason(actor.status_message)}. "
        return Explanation("actor_error", text + "Its messages wait until it is updated with another image, or force.")
    if not situation.engines:
        return Explanation("no_engine", "No engine is running. Messages are taken, and wait for one.")
    if situation.not_before is not None and situation.not_before > now and situation.retry_reason is None:
        text = f"It is delayed until {iso(situation.not_before)}, as its sender said."
        return Explanation("delayed", text, until=situation.not_before)
    if situation.not_before is not None and situation.not_before > now:
        text = f"Its container could not be started ({_reason(situation.retry_reason)}). It is tried again at "
        return Explanation("retry", text + f"{iso(situation.not_before)}.", until=situation.not_before)
    if actor.status is ActorStatus.SUBMITTED and situation.workers.get(WorkerStatus.REQUESTED):
        return _preparing(actor)
    first = situation.first
    if not actor.stateless and first is not None and first.execution_id != execution.id:
        return _waits_in_line(first, situation, now)
    return _waits_for_worker(actor, situation, places)


def _preparing(actor: Actor) -> Explanation:
    return Explanation("preparing_image", f"The actor's image {actor.image} is being prepared.")


def _waits_in_line(first: Neighbour, situation: Situation, now: datetime) -> Explanation:
    """Of a stateful actor, behind another message."""
    rule = "The actor is stateful: its messages are executed one after the other. "
    one = first.execution_id
    if first.claimed_at is not None:
        text = f"Execution {one} has been running for {_since(first.claimed_at, now)}. {_before(situation.ahead)}"
        return Explanation("stateful_busy", (rule + text).strip(), waits_for=one)
    if first.not_before is not None and first.not_before > now:
        text = f"Execution {one} is the first in the line, and its container could not be started "
        text += f"({_reason(first.retry_reason)}). It is tried again at {iso(first.not_before)}."
        return Explanation("stateful_retry", rule + text, waits_for=one, until=first.not_before)
    return Explanation("queued", rule + _before(situation.ahead), waits_for=one)


def _waits_for_worker(actor: Actor, situation: Situation, places: Places) -> Explanation:
    before, workers = _before(situation.ahead), situation.workers
    own = sum(workers.values())
    limit = actor.worker_limit(places.max_workers_per_actor)
    # One that was asked to stop and is still there has an execution to end first.
    busy = workers.get(WorkerStatus.BUSY, 0) + workers.get(WorkerStatus.SHUTDOWN_REQUESTED, 0)
    if own and busy == own and own >= limit:
        text = f"All {_number(own, 'worker')} of the actor are busy, and it may have {limit}. {before}"
        return Explanation("workers_busy", text.strip())
    if workers.get(WorkerStatus.REQUESTED):
        return Explanation("starting_worker", f"A worker of the actor is being started. {before}".strip())
    queue = places.queues.get(actor.queue)
    if queue is None:
        text = f"This server has no queue {actor.queue!r} any more: the actor needs another one, by an update. {before}"
        return Explanation("no_queue", text.strip())
    absent = [device for device in actor.gpus if device not in queue.gpus]
    if absent:
        text = f"The queue {actor.queue!r} has no {', '.join(absent)} any more: the actor needs others, by an update. "
        return Explanation("no_device", (text + before).strip())
    most = queue.max_workers * situation.engines
    if own < limit and situation.all_workers >= most and not workers.get(WorkerStatus.READY):
        text = f"All places for workers are taken ({most}), {own} of them by this actor. {before}"
        return Explanation("no_place", text.strip())
    if actor.gpus and not own:
        text = f"It needs {', '.join(actor.gpus)}, which one worker has at a time. {before}"
        return Explanation("device", text.strip())
    if actor.status is ActorStatus.SUBMITTED:
        return _preparing(actor)
    return Explanation("queued", f"It is about to be claimed by a worker. {before}".strip())


def _before(ahead: int) -> str:
    return f"{_number(ahead, 'message')} {'waits' if ahead == 1 else 'wait'} before it." if ahead else ""


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _reason(text: str | None) -> str:
    return (text or "").strip().rstrip(".") or "the reason is not known"


def _since(begun: datetime | None, now: datetime) -> str:
    seconds = max(0.0, (now - begun).total_seconds()) if begun else 0.0
    if seconds < 60:
        return f"{seconds:.1f} seconds"
    minutes, seconds = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s"
    return f"{minutes // 60} h {minutes % 60} min"
