"""One API under three roots: spelling, links, nulls, slashes."""

import pytest

from .conftest import MakeWorld
from .world import World

NULLABLE = {
    "cron_schedule",
    "cron_next_ex",
    "tasdir",
    "name",
    "max_workers",
    "mem_limit",
    "max_cpus",
    "log_ex",
    "max_run_time",
    "uid",
    "gid",
}


def test_v2_is_camel_and_leaves_nulls_out(world: World) -> None:
    actor = world.get(world.actor())
    assert actor["defaultEnvironment"] == {}
    assert not {"maxWorkers", "name", "default_environment"} & set(actor)
    assert None not in actor.values()


def test_v3_is_snake_and_shows_nulls(world: World) -> None:
    actor = world.get(world.actor().replace("/actors/v2", "/v3/actors"))
    assert actor["default_environment"] == {}
    assert {name for name, value in actor.items() if value is None} == NULLABLE


def test_the_bare_root_is_spelled_as_configured(make_world: MakeWorld, world: World) -> None:
    actor = world.actor().replace("/actors/v2", "/actors")
    assert "defaultEnvironment" in world.get(actor)
    snake = make_world(case="snake")
    assert "default_environment" in snake.get(snake.actor().replace("/actors/v2", "/actors"))


@pytest.mark.parametrize(
    ("root", "links", "profiles"),
    [
        ("/actors/v2", "/actors/v2", "/profiles/v2"),
        ("/actors", "/actors/v2", "/profiles/v2"),
        ("/v3/actors", "/v3/actors", "/v3/oauth2/profiles"),
    ],
)
def test_links_point_where_the_surface_is(world: World, root: str, links: str, profiles: str) -> None:
    actor = world.actor().replace("/actors/v2", root)
    base = "https://abaco.test" + actor.replace(root, links, 1)
    owner = f"https://abaco.test{profiles}/ada"
    posted = world.post(f"{actor}/messages", json={"message": "hi"})
    execution_id = posted.get("executionId") or posted["execution_id"]
    execution = f"{base}/executions/{execution_id}"
    assert posted["_links"] == {"self": execution, "owner": owner, "messages": f"{base}/messages"}
    one = f"{actor}/executions/{execution_id}"
    expected = {
        actor: {"self": base, "owner": owner, "executions": f"{base}/executions"},
        f"{actor}/messages": {"self": f"{base}/messages", "owner": owner},
        f"{actor}/executions": {"self": f"{base}/executions", "owner": owner},
        one: {"self": execution, "owner": owner, "logs": f"{execution}/logs"},
        f"{one}/logs": {"self": f"{execution}/logs", "owner": owner, "execution": execution},
    }
    assert {path: world.get(path)["_links"] for path in expected} == expected


def test_links_of_a_tenant_with_its_own_address_point_there(world: World) -> None:
    actor = world.actor("eve@OTHER")
    assert world.get(actor, "eve@OTHER")["_links"]["self"] == f"https://other.test{actor}"


def test_the_owner_in_the_links_of_an_execution_is_who_sent_the_message(world: World) -> None:
    execution = world.message(world.actor(), user="adm")
    shown = world.get(execution)
    assert shown["executor"] == "adm"
    assert shown["_links"]["owner"] == "https://abaco.test/profiles/v2/adm"


def test_keys_inside_values_are_never_respelled(world: World) -> None:
    environment = {"snake_key": {"inner_key": 1}, "camelKey": 2}
    actor = world.actor(stateless=False, state={"my_key": 1}, default_environment=environment)
    for root in ("/actors/v2", "/v3/actors"):
        shown = world.get(actor.replace("/actors/v2", root))
        assert shown.get("defaultEnvironment", shown.get("default_environment")) == environment
        assert shown["state"] == {"my_key": 1}
    message = {"snake_key": 1, "camelKey": {"inner_key": 2}}
    assert world.post(f"{actor}/messages", json=message)["msg"] == message


@pytest.mark.parametrize(
    "path", ["//actors", "/actors//", "/actors/", "/actors/v2/", "//actors///v2//", "///v3//actors"]
)
def test_slashes_more_or_less_mean_nothing(world: World, path: str) -> None:
    actor = world.actor()
    assert [shown["id"] for shown in world.get(path)] == [actor.rpartition("/")[2]]


def test_slashes_inside_a_path_are_collapsed(world: World) -> None:
    actor = world.actor()
    assert world.post(f"{actor}///messages/", json={"message": "hi"})["msg"] == "hi"
    assert world.get(f"{actor}//messages")["messages"] == 1


def test_head_is_get_without_a_body(world: World) -> None:
    actor = world.actor()
    for path in ("/actors", actor, f"{actor}/messages", f"{actor}/executions", f"{actor}/state"):
        head, get = world.send("HEAD", path), world.send("GET", path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers == get.headers
    assert world.send("HEAD", "/actors/v2/unknown").status_code == 404
    assert world.http.send("HEAD", actor).status_code == 401


@pytest.mark.parametrize(
    ("root", "log_ex", "variable"),
    [("/actors/v2", "logEx", "defaultEnvironment"), ("/v3/actors", "log_ex", "default_environment")],
)
def test_errors_spell_fields_as_who_asks(world: World, root: str, log_ex: str, variable: str) -> None:
    given = {"image": "abacosamples/test"}
    world.refuse("POST", root, json={**given, log_ex: 0}, saying=f"{log_ex} is in seconds")
    # What is the user's own stays as it is.
    wrong = {"log_ex": "x" * 200_000}
    world.refuse("POST", root, json={**given, variable: wrong}, saying=f"{variable}: 'log_ex' takes")
