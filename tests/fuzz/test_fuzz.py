"""Requests that schemathesis makes of our own OpenAPI document, against a real server.

None is answered with a 5xx, a status that the document does not have, or a body of another shape. `make fuzz` sends
at least 20,000; here it is a fixed share, the same in every run.
"""

import os
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import hypothesis
import pytest
import schemathesis
from bench.live import LiveServer, live_server
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "12"))
"""Requests of each operation."""
_CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
_SETTINGS = hypothesis.settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
    phases=[hypothesis.Phase.generate],
)


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server whose actors never run: their image does not exist. What is fuzzed is the API."""
    with live_server(tmp_path_factory.mktemp("fuzz") / "data", log_level="error", sync_timeout_seconds="0.2") as server:
        yield server


@pytest.fixture(scope="session")
def actors(target: LiveServer) -> list[str]:
    """Some that are there, for requests that would otherwise all name what does not exist."""
    with target.client() as ab:
        return [ab.actors.add(image="nowhere.invalid/none", stateless=n % 2 == 0).id for n in range(8)]


@pytest.fixture(scope="session")
def credentials(target: LiveServer) -> Callable[[str], str]:
    """What the Authorization of a request to a path must be: some want a password, some an OAuth client's secret."""
    password = httpx.BasicAuth("jane", "secret")
    made = httpx.post(f"{target.url}/clients/v2", auth=password, json={"clientName": "fuzz"}).json()["result"]
    client = httpx.BasicAuth(made["consumerKey"], made["consumerSecret"])

    def header(auth: httpx.BasicAuth) -> str:
        return next(auth.auth_flow(httpx.Request("GET", target.url))).headers["Authorization"]

    def of(path: str) -> str:
        if path.startswith("/clients"):
            return header(password)
        return header(client) if path in {"/token", "/revoke"} else f"Bearer {target.token}"

    return of


def test_no_request_makes_the_service_fail(
    target: LiveServer, actors: list[str], credentials: Callable[[str], str]
) -> None:
    api = schemathesis.openapi.from_url(f"{target.url}/openapi.json")
    failures: dict[str, str] = {}
    sent = 0

    def send(case: "Case[Any]") -> None:
        nonlocal sent
        sent += 1
        if "actor_id" in case.path_parameters and sent % 4 and case.method != "DELETE":
            case.path_parameters["actor_id"] = actors[sent % len(actors)]
        response = case.call(headers={"Authorization": credentials(case.path)})
        case.validate_response(response, checks=_CHECKS)

    for found in api.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        try:
            _SETTINGS(hypothesis.given(operation.as_strategy())(send))()
        except Exception as error:  # noqa: BLE001 - all operations are tried; what failed is told below
            failures[operation.label] = str(error)[:2000]
    print(f"{sent} requests")  # noqa: T201
    assert failures == {}
    assert sent >= EXAMPLES * 10
