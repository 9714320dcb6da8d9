"""`access_control = none`: nobody is asked, and no web page gets in."""

from typing import Any

import pytest

from abaco.errors import InvalidInput
from abaco.settings import read_settings

from .asgi import result_of
from .conftest import MakeWorld
from .world import World

HERE = ("Host", "127.0.0.1:8000")


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world(access_control="none", default_tenant="DEV")


def require_anonymous(world: World, *headers: tuple[str, str], path: str = "/profiles/v2/me") -> None:
    assert result_of(world.http.send("GET", path, headers=[HERE, *headers]))["username"] == "anonymous"


def test_everybody_is_the_administrator(world: World) -> None:
    require_anonymous(world)
    actor = world.http.send("POST", "/actors", headers=[HERE], json={"image": "i", "maxWorkers": 3})
    assert result_of(actor)["owner"] == "anonymous"
    theirs = f"/actors/v2/{world.store.actors.list_visible('DEV', 'anonymous')[0].id}"
    assert result_of(world.http.send("GET", theirs, headers=[HERE]))["maxWorkers"] == 3


@pytest.mark.parametrize(
    "header",
    [
        ("Authorization", "Bearer 123"),
        ("Authorization", "Basic YTpi"),
        ("X-JWT-Assertion-dev_sandbox", "123"),
        ("X-Tapis-Token", "123"),
        ("X-Nonce", "123"),
        ("Origin", "http://127.0.0.1:8000"),
        ("Sec-Fetch-Site", "same-origin"),
        ("Sec-Fetch-Site", "none"),
    ],
)
def test_what_clients_send_all_the_same_does_not_matter(world: World, header: tuple[str, str]) -> None:
    require_anonymous(world, header)


def test_the_tenant_may_be_said(world: World) -> None:
    made = world.http.send("POST", "/actors", headers=[HERE, ("Tenant", "OTHER")], json={"image": "i"})
    actor = f"/actors/v2/{result_of(made)['id']}"
    assert world.http.send("GET", actor, headers=[HERE, ("Tenant", "other")]).status_code == 200
    assert world.http.send("GET", actor, headers=[HERE]).status_code == 404
    response = world.http.send("GET", "/actors", headers=[HERE, ("Tenant", "nowhere")])
    world.require_refused(response, 400, "nowhere")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "[::1]:8000", "127.8.8.8"])
def test_it_is_reached_as_localhost(world: World, host: str) -> None:
    assert world.http.send("GET", "/actors", headers=[("Host", host)]).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "", "["]
)
def test_a_name_that_was_made_to_point_here_is_refused(world: World, host: str) -> None:
    world.require_refused(world.http.send("GET", "/actors", headers=[("Host", host)]), 400, "localhost")


@pytest.mark.parametrize(
    "header",
    [
        ("Origin", "https://evil.example"),
        ("Origin", "null"),
        ("Origin", ""),
        ("Origin", "http://127.0.0.1:8001"),
        ("Origin", "http://["),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
    ],
)
@pytest.mark.parametrize(("method", "path"), [("GET", "/actors"), ("POST", "/actors"), ("POST", "/actors/x/messages")])
def test_a_web_page_is_refused(world: World, header: tuple[str, str], method: str, path: str) -> None:
    before = world.everything()
    for kind in ("text/plain", "application/json"):
        body: dict[str, Any] = {} if method == "GET" else {"content": b'{"image": "i"}', "kind": kind}
        world.require_refused(world.http.send(method, path, headers=[HERE, header], **body), 400, "web pages")
    assert world.everything() == before


def test_a_running_execution_is_told_apart(world: World) -> None:
    """So that its state is staged under its attempt (P4)."""
    result_of(world.http.send("POST", "/actors", headers=[HERE], json={"image": "i", "stateless": False}))
    actor = f"/actors/v2/{world.store.actors.list_visible('DEV', 'anonymous')[0].id}"
    result_of(world.http.send("POST", f"{actor}/messages", headers=[HERE], json={"message": "hi"}))
    claim = world.claim(actor)
    own = [HERE, ("Authorization", f"Bearer {world.execution_token(claim)}")]
    result_of(world.http.send("POST", f"{actor}/state", headers=own, json={"n": 1}))
    assert result_of(world.http.send("GET", f"{actor}/state", headers=[HERE])) == {"state": {}}
    assert result_of(world.http.send("GET", f"{actor}/state", headers=own)) == {"state": {"n": 1}}


def test_it_needs_a_loopback_address() -> None:
    for host in ("0.0.0.0", "10.0.0.1", "abaco.example.org", "::"):
        with pytest.raises(InvalidInput, match="loopback"):
            read_settings({"data": "/nowhere", "access_control": "none", "host": host}, {})
    read_settings({"data": "/nowhere", "access_control": "none", "host": "localhost"}, {})


def test_others_ask_for_credentials(make_world: MakeWorld) -> None:
    world = make_world()
    assert world.http.send("GET", "/actors", headers=[HERE]).status_code == 401
