"""Why an execution waits, or ended as it did."""

from dataclasses import replace
from typing import Any

import pytest
from store.scene import NOW, an_actor, later, new_message, outcome

from abaco.domain.execution import Execution, Outcome, StopReason, final_state, not_run
from abaco.domain.explanation import Explanation, Neighbour, Places, Situation, explain
from abaco.domain.lifecycle import ActorStatus, ExecutionStatus, WorkerStatus
from abaco.domain.queue import Queue

PLACES = Places({"default": Queue(4), "gpu": Queue(9, gpus=("example.com/gpu=0",))}, max_workers_per_actor=3)
BUSY, READY, REQUESTED = WorkerStatus.BUSY, WorkerStatus.READY, WorkerStatus.REQUESTED
LEAVING = WorkerStatus.SHUTDOWN_REQUESTED


def an_execution(status: ExecutionStatus = ExecutionStatus.SUBMITTED, **fields: Any) -> Execution:
    return replace(new_message("e1").execution, status=status, **fields)


def why(situation: Situation | None = None, execution: Execution | None = None, **actor: Any) -> Explanation:
    described = an_actor(**{"status": ActorStatus.READY, **actor})
    return explain(execution or an_execution(), described, situation or Situation(1), PLACES, later(seconds=12))


def ended(out: Outcome, **fields: Any) -> Execution:
    return an_execution(out.status, exit_code=out.exit_code, final_state=final_state(out), **fields)


@pytest.mark.parametrize(
    ("out", "code", "text"),
    [
        (outcome(), "complete", "exit code 0."),
        (outcome(exit_code=3), "exit_code", "exit code 3; its log may say why"),
        (outcome(exit_code=139), "exit_code", "exit code 139, as if killed by SIGSEGV"),
        (outcome(reason=StopReason.OUT_OF_MEMORY, exit_code=137), "out_of_memory", "more memory than it may have"),
        (
            outcome(reason=StopReason.TIMED_OUT, error="run time limit reached: 90 seconds"),
            "time_limit",
            "run time limit reached: 90 seconds.",
        ),
        (outcome(reason=StopReason.HALTED, exit_code=137), "halted", "halted"),
        (not_run("The mailbox was purged.", NOW), "not_run", "It was not run. The mailbox was purged."),
        (not_run("Error executing container: no such program", NOW), "not_run", "container: no such program"),
    ],
)
def test_how_it_ended(out: Outcome, code: str, text: str) -> None:
    explanation = why(execution=ended(out))
    assert explanation.code == code
    assert text in explanation.text


@pytest.mark.parametrize("error", ["out of memory", "run time limit reached", "halted by request"])
def test_older_executions_have_the_reason_elsewhere(error: str) -> None:
    old = an_execution(ExecutionStatus.COMPLETE, exit_code=137, final_state={"Error": error})
    assert why(execution=old).code in {"out_of_memory", "time_limit", "halted"}


def test_what_runs_says_since_when() -> None:
    runs = an_execution(ExecutionStatus.RUNNING, claimed_at=NOW, attempts=1)
    assert why(execution=runs) == Explanation("running", "It has been running for 12.0 seconds.")
    assert why(execution=replace(runs, attempts=2)).text.endswith("12.0 seconds, in attempt 2.")
    assert "2 min 12 s" in why(execution=replace(runs, claimed_at=later(minutes=-2))).text
    assert "3 h 0 min" in why(execution=replace(runs, claimed_at=later(hours=-3))).text
    assert why(Situation(0), runs).code == "no_engine"


def test_an_actor_in_error_comes_first() -> None:
    explanation = why(Situation(0), status=ActorStatus.ERROR, status_message="no such image.")
    assert explanation.code == "actor_error"
    assert "in ERROR: no such image. Its messages" in explanation.text


def test_without_an_engine_nothing_happens() -> None:
    assert why(Situation(0), status=ActorStatus.SUBMITTED).code == "no_engine"


def test_a_failed_start_is_tried_again() -> None:
    due = later(seconds=13)
    explanation = why(Situation(1, not_before=due, retry_reason="no such program."))
    assert (explanation.code, explanation.until) == ("retry", due)
    assert "(no such program). It is tried again at 2026-04-29T21:47:06.393Z." in explanation.text
    assert why(Situation(1, not_before=later(seconds=11))).code == "queued"
    assert "(the reason is not known)" in why(Situation(1, not_before=due, retry_reason="")).text


def test_a_message_waits_for_its_moment() -> None:
    due = later(seconds=13)
    explanation = why(Situation(1, not_before=due))
    assert (explanation.code, explanation.until) == ("delayed", due)
    assert why(Situation(1, not_before=later(seconds=11))).code == "queued"


def test_an_image_is_prepared_first() -> None:
    explanation = why(status=ActorStatus.SUBMITTED)
    assert explanation == Explanation("preparing_image", "The actor's image abacosamples/test is being prepared.")


@pytest.mark.parametrize(
    ("situation", "actor", "code"),
    [
        (Situation(1, workers={REQUESTED: 1}, all_workers=4), {}, "preparing_image"),
        (Situation(1, workers={REQUESTED: 1}, first=Neighbour("e0")), {"stateless": False}, "preparing_image"),
        (Situation(1, workers={READY: 1}, all_workers=4), {}, "preparing_image"),
        (Situation(1, all_workers=4), {}, "no_place"),
        (Situation(1), {"queue": "gone"}, "no_queue"),
        (Situation(1, workers={BUSY: 1}, all_workers=4), {}, "no_place"),
        (Situation(1, workers={BUSY: 1}, all_workers=4), {"max_workers": 1}, "workers_busy"),
        (
            Situation(1, workers={BUSY: 1}, first=Neighbour("e0", claimed_at=NOW)),
            {"stateless": False},
            "stateful_busy",
        ),
        (Situation(1), {"queue": "gpu", "gpus": ("example.com/gpu=0",)}, "device"),
    ],
)
def test_an_image_is_prepared_by_a_worker(situation: Situation, actor: dict[str, Any], code: str) -> None:
    assert why(situation, status=ActorStatus.SUBMITTED, **actor).code == code


def test_a_stateful_actor_does_one_thing_after_the_other() -> None:
    behind = Situation(1, ahead=1, first=Neighbour("e0", claimed_at=NOW))
    explanation = why(behind, stateless=False)
    assert (explanation.code, explanation.waits_for) == ("stateful_busy", "e0")
    assert "Execution e0 has been running for 12.0 seconds. 1 message waits before it." in explanation.text
    delayed = Situation(1, ahead=2, first=Neighbour("e0", not_before=later(days=1), retry_reason="no exec"))
    explanation = why(delayed, stateless=False)
    assert (explanation.code, explanation.waits_for, explanation.until) == ("stateful_retry", "e0", later(days=1))
    assert "(no exec)" in explanation.text
    assert why(Situation(1, ahead=2, first=Neighbour("e0")), stateless=False).code == "queued"
    assert why(Situation(1, first=Neighbour("e1")), stateless=False).code == "queued"
    assert why(behind).code == "queued"


@pytest.mark.parametrize(
    ("workers", "everybodys", "actor", "code"),
    [
        ({BUSY: 3}, 3, {}, "workers_busy"),
        ({BUSY: 2}, 2, {"max_workers": 2}, "workers_busy"),
        ({LEAVING: 1}, 2, {"max_workers": 1}, "workers_busy"),
        ({BUSY: 2}, 4, {}, "no_place"),
        ({}, 4, {}, "no_place"),
        ({BUSY: 2, READY: 1}, 4, {}, "queued"),
        ({BUSY: 2, REQUESTED: 1}, 4, {}, "starting_worker"),
        ({BUSY: 2}, 3, {}, "queued"),
        ({BUSY: 2}, 4, {"queue": "gpu"}, "queued"),
        ({}, 4, {"queue": "gone"}, "no_queue"),
        ({}, 4, {"queue": "gpu", "gpus": ("example.com/gpu=0",)}, "device"),
        ({}, 4, {"queue": "gpu", "gpus": ("example.com/gpu=1",)}, "no_device"),
        ({BUSY: 1}, 4, {"queue": "gpu", "gpus": ("example.com/gpu=0",)}, "workers_busy"),
        ({}, 0, {}, "queued"),
    ],
)
def test_a_stateless_actor_needs_a_worker(
    workers: dict[WorkerStatus, int], everybodys: int, actor: dict[str, Any], code: str
) -> None:
    explanation = why(Situation(1, ahead=5, workers=workers, all_workers=everybodys), **actor)
    assert explanation.code == code
    assert explanation.text.endswith("5 messages wait before it.")


def test_more_engines_have_more_places() -> None:
    assert why(Situation(2, all_workers=4)).code == "queued"
    assert "taken (8)" in why(Situation(2, all_workers=8)).text
