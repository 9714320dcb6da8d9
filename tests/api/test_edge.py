"""What holds for every answer: the envelope, CORS, unknown paths and methods."""

from urllib.parse import unquote

import httpx
import pytest

from abaco import __version__

from .conftest import MakeWorld
from .world import World

ORIGIN = ("Origin", "https://portal.test")
REFUSED_METHODS = [
    ("PUT", ""),
    ("DELETE", ""),
    ("PATCH", ""),
    ("POST", "/ID"),
    ("PATCH", "/ID"),
    ("PUT", "/ID/state"),
    ("DELETE", "/ID/state"),
    ("PUT", "/ID/messages"),
    ("PUT", "/ID/executions"),
    ("POST", "/ID/executions"),
    ("DELETE", "/ID/executions"),
    ("POST", "/ID/executions/EID"),
    ("PUT", "/ID/executions/EID"),
    ("POST", "/ID/executions/EID/logs"),
    ("DELETE", "/ID/executions/EID/logs"),
    ("POST", "/ID/executions/EID/results"),
]


def test_every_answer_shows_the_version(world: World, make_world: MakeWorld) -> None:
    assert world.send("GET", "/actors").json()["version"] == __version__
    dev = make_world(version=":dev")
    assert dev.send("GET", "/actors").json()["version"] == ":dev"
    assert dev.send("GET", "/nowhere").json()["version"] == ":dev"


@pytest.mark.parametrize("path", ["/", "/nowhere", "/actors/v2/ID/nowhere", "/actorsx", "/v3", "/docs/a/b", "/a%2Fb"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_path_is_404(world: World, method: str, path: str) -> None:
    said = f"{unquote(path)} is not an endpoint of this service"
    world.require_refused(world.http.send(method, path), 404, said)


@pytest.mark.parametrize("root", ["/actors", "/actors/v2", "/v3/actors"])
@pytest.mark.parametrize(("method", "path"), REFUSED_METHODS)
def test_a_wrong_method_is_405_without_credentials(world: World, root: str, method: str, path: str) -> None:
    response = world.http.send(method, root + path)
    world.require_refused(response, 405, f"{method} is not allowed")
    assert response.headers["x-abaco-error-code"] == "method_not_allowed"


def cors(response: httpx.Response) -> dict[str, str]:
    return {
        name: value for name, value in response.headers.items() if name.startswith("access-control") or name == "vary"
    }


def test_answers_may_be_read_by_pages_of_any_origin(world: World) -> None:
    actor = world.actor()
    allowed = {
        "access-control-allow-origin": "https://portal.test",
        "access-control-expose-headers": "X-Abaco-Error-Code, X-Abaco-Execution-Id, Idempotency-Key-Supported",
        "vary": "Origin",
    }
    assert cors(world.send("GET", actor, headers=[ORIGIN])) == allowed
    assert cors(world.send("GET", "/actors/v2/unknown", headers=[ORIGIN])) == allowed
    assert cors(world.http.send("GET", actor, headers=[ORIGIN])) == allowed
    assert cors(world.http.send("PUT", "/actors", headers=[ORIGIN])) == allowed
    assert cors(world.http.send("GET", "/nowhere", headers=[ORIGIN])) == allowed


def test_without_an_origin_any_is_allowed(world: World) -> None:
    assert cors(world.send("GET", "/actors"))["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/actors", "GET, HEAD, OPTIONS, POST"),
        ("/actors/ID", "DELETE, GET, HEAD, OPTIONS, PUT"),
        ("/v3/actors/ID/messages", "DELETE, GET, HEAD, OPTIONS, POST"),
        ("/actors/v2/ID/executions/EID/results", "GET, HEAD, OPTIONS"),
    ],
)
def test_a_preflight_needs_no_credentials(world: World, path: str, allow: str) -> None:
    asked = [
        ORIGIN,
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "authorization, x-y"),
    ]
    response = world.http.send("OPTIONS", path, headers=asked)
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["allow"] == allow
    assert cors(response) == {
        "access-control-allow-origin": "https://portal.test",
        "access-control-allow-methods": "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT",
        "access-control-allow-headers": "authorization, x-y",
        "access-control-expose-headers": "X-Abaco-Error-Code, X-Abaco-Execution-Id, Idempotency-Key-Supported",
        "vary": "Origin",
    }


def test_health_is_503_without_an_engine(world: World) -> None:
    world.require_refused(world.http.send("GET", "/healthz"), 503, "no engine")
    world.store.engines.register("engine1", "host", world.clock.now(), world.clock.now().replace(year=2030))
    assert world.http.send("GET", "/healthz").json() == {"status": "ok"}
