"""The context a container sees (contract 4.3) and the final state of an execution (5.2)."""

from typing import Any

import pytest
from store.scene import NOW, an_actor, outcome

from abaco.domain.execution import Claim, ExecutionEntry, ExecutionSummary, StopReason, context, final_state, not_run
from abaco.domain.lifecycle import ExecutionStatus
from abaco.domain.message import ContentType, Payload


def a_claim(**changes: Any) -> Claim:
    actor = changes.pop("actor", None) or an_actor("JBAbGXv7e1gm8")
    values: dict[str, Any] = {
        "execution_id": "execution1",
        "attempt": 1,
        "worker_id": "worker1",
        "actor": actor,
        "state": actor.state,
        "payload": Payload(ContentType.TEXT, "hello"),
        "executor": "bob",
        "revision": 3,
    }
    return Claim(**(values | changes))


def test_a_container_sees_exactly_the_variables_of_the_contract() -> None:
    assert context(a_claim(), "token") == {
        "MSG": "hello",
        "_abaco_actor_id": "JBAbGXv7e1gm8",
        "_abaco_actor_dbid": "DEV_JBAbGXv7e1gm8",
        "_abaco_actor_name": "counter",
        "_abaco_actor_revision": "3",
        "_abaco_actor_state": "{}",
        "_abaco_container_repo": "abacosamples/test",
        "_abaco_worker_id": "worker1",
        "_abaco_execution_id": "execution1",
        "_abaco_username": "bob",
        "_abaco_api_server": "https://abaco.test",
        "_abaco_Content_Type": "str",
        "_abaco_Content-Type": "str",
        "_abaco_access_token": "token",
        "_actor_configs": "{}",
    }


def test_later_sources_override_earlier_ones() -> None:
    """The actor's environment < query parameters < the service's variables < the message."""
    every = ["a", "b", "MSG", "_abaco_username", "_abaco_access_token", "_actor_configs", "_abaco_msg_json"]
    actor = an_actor(default_environment=dict.fromkeys(every, "environment") | {"number": 1, "unset": None})
    claim = a_claim(
        actor=actor,
        environment={name: "query" for name in every if name != "a"},
        payload=Payload(ContentType.JSON, {"x": None}),
    )
    seen = context(claim, "")
    assert (seen["a"], seen["b"], seen["number"]) == ("environment", "query", "1")
    assert "unset" not in seen
    assert (seen["_abaco_username"], seen["_abaco_access_token"], seen["_actor_configs"]) == ("bob", "", "{}")
    assert (seen["MSG"], seen["_abaco_msg_json"]) == ("{'x': None}", '{"x": null}')


def test_a_binary_message_has_no_msg_even_if_somebody_sets_one() -> None:
    actor = an_actor(default_environment={"MSG": "environment"})
    given = dict.fromkeys(("MSG", "_abaco_msg_json", "_abaco_jwt_header_name"), "query")
    seen = context(a_claim(actor=actor, environment=given, payload=Payload(ContentType.BINARY, None, 9)), "")
    assert not given.keys() & seen
    assert seen["_abaco_Content_Type"] == seen["_abaco_Content-Type"] == "application/octet-stream"


@pytest.mark.parametrize(
    ("stateless", "state", "text"),
    [(True, {"a": 1}, "{}"), (False, {"a": None}, "{'a': None}"), (False, "bare", "bare"), (False, None, "None")],
)
def test_the_state_is_given_to_stateful_actors_only(stateless: bool, state: Any, text: str) -> None:
    assert context(a_claim(actor=an_actor(stateless=stateless, state=state)), "")["_abaco_actor_state"] == text


def test_the_name_of_a_nameless_actor_is_the_text_none() -> None:
    assert context(a_claim(actor=an_actor(name=None)), "")["_abaco_actor_name"] == "None"


def test_the_jwt_header_is_named_only_if_there_was_one() -> None:
    assert "_abaco_jwt_header_name" not in context(a_claim(), "")
    assert context(a_claim(jwt_header="X-JWT-Assertion-DEV"), "")["_abaco_jwt_header_name"] == "X-JWT-Assertion-DEV"


def test_the_final_state_has_dockers_keys() -> None:
    assert final_state(outcome(exit_code=3)) == {
        "Status": "exited",
        "Running": False,
        "Paused": False,
        "Restarting": False,
        "OOMKilled": False,
        "Dead": False,
        "Pid": 0,
        "ExitCode": 3,
        "Error": "",
        "Reason": "exited",
        "StartedAt": "2026-04-29T21:46:53.393Z",
        "FinishedAt": "2026-04-29T21:46:58.393Z",
    }


@pytest.mark.parametrize(
    ("reason", "oom", "error"),
    [
        (StopReason.EXITED, False, ""),
        (StopReason.OUT_OF_MEMORY, True, "out of memory"),
        (StopReason.TIMED_OUT, False, "run time limit reached"),
        (StopReason.HALTED, False, "halted by request"),
    ],
)
def test_the_final_state_says_why_a_container_ended(reason: StopReason, oom: bool, error: str) -> None:
    state = final_state(outcome(reason=reason))
    assert (state["OOMKilled"], state["Error"]) == (oom, error)


def test_what_did_not_run_is_an_error_with_its_reason() -> None:
    """P2"""
    ended = not_run("purged", NOW)
    assert (ended.status, ended.finished_at, ended.exit_code) == (ExecutionStatus.ERROR, NOW, None)
    state = final_state(ended)
    assert (state["Status"], state["Error"], state["StartedAt"]) == ("created", "purged", None)


def test_the_summary_adds_up() -> None:
    waiting = ExecutionEntry("e1", "SUBMITTED", None, None, NOW, 0, 0, 0)
    summary = ExecutionSummary([waiting, waiting._replace(cpu=1, io=2, runtime=3), waiting._replace(cpu=10)])
    assert (summary.total_cpu, summary.total_io, summary.total_runtime) == (11, 2, 3)
