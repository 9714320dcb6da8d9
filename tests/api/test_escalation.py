"""Ways to more than one was given, each closed."""

from dataclasses import replace
from typing import Any

import pytest

from .conftest import MakeWorld
from .test_permissions import grant
from .world import World


def shared(world: World, level: str, **description: Any) -> str:
    """An actor of ada's on which bob has `level`."""
    actor = world.actor(**description)
    grant(world, actor, "bob", level)
    return actor


def test_update_is_not_the_owners_identity(world: World) -> None:
    """Who may update an actor may not have code of theirs run with its owner's token."""
    actor = shared(world, "UPDATE", token=True)
    for change in (
        {"image": "abacosamples/wc"},
        {"image": "abacosamples/test", "force": True},
        {"image": "abacosamples/test", "defaultEnvironment": {"LD_PRELOAD": "/x"}},
    ):
        world.refuse("PUT", actor, "bob", json={"token": True, **change}, saying="owner")
    world.put(actor, "bob", json={"image": "abacosamples/test", "token": True, "description": "mended"})
    world.put(actor, "bob", json={"image": "abacosamples/wc", "token": False})
    world.refuse("PUT", actor, "bob", json={"image": "abacosamples/wc", "token": True}, saying="token")
    world.put(actor, json={"image": "abacosamples/wc", "token": True})


def test_the_servers_default_counts(make_world: MakeWorld) -> None:
    world = make_world(default_token=True)
    actor = shared(world, "UPDATE")
    world.refuse("PUT", actor, "bob", json={"image": "abacosamples/wc"}, saying="owner")


def test_a_nonce_is_not_the_owner(world: World) -> None:
    actor = world.actor(token=True)
    nonce = world.post(f"{actor}/nonces", json={"level": "UPDATE"})["id"]
    response = world.http.send("PUT", f"{actor}?x-nonce={nonce}", json={"image": "abacosamples/wc", "token": True})
    world.require_refused(response, 400, "owner")


@pytest.mark.parametrize(
    "name",
    ["LD_PRELOAD", "PYTHONPATH", "BASH_ENV", "PATH", "NODE_OPTIONS", "PERL5OPT", "OPENSSL_CONF", "GIT_SSH_COMMAND",
     "http_proxy", "HTTPS_PROXY", "all_proxy", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "HOSTALIASES"],
)  # fmt: skip
def test_execute_does_not_replace_the_code_that_has_the_owners_token(world: World, name: str) -> None:
    actor = shared(world, "EXECUTE", token=True)
    path = f"{actor}/messages?{name}=/_abaco_binary_data"
    world.refuse("POST", path, "bob", content=b"data", kind="application/octet-stream", saying=name)
    world.post(path, json={"message": "the owner may"})
    world.post(f"{actor}/messages?MODE=fast", "bob", json={"message": "hi"})
    harmless = shared(world, "EXECUTE")
    world.post(f"{harmless}/messages?{name}=x", "bob", json={"message": "without the token everybody may"})


def test_execute_does_not_replace_the_code_that_has_secrets(world: World) -> None:
    """A program of the sender's would print them."""
    actor = shared(world, "EXECUTE")
    config = {"name": "c", "value": "open", "isSecret": False, "actors": actor.rpartition("/")[2]}
    world.post("/actors/v2/configs", json=config)
    path = f"{actor}/messages?LD_PRELOAD=/_abaco_binary_data"
    world.post(path, "bob", json={"message": "nothing is hidden"})
    world.put("/actors/v2/configs/c", json={**config, "value": "hunter2", "isSecret": True})
    world.refuse("POST", path, "bob", json={"message": "hi"}, saying="with secrets")
    world.post(f"{actor}/messages?MODE=fast", "bob", json={"message": "hi"})
    world.post(path, json={"message": "the owner may"})


def test_execute_does_not_replace_the_code_that_runs_as_the_owner(world: World) -> None:
    """A program of the sender's would read the owner's files."""
    ada = world.store.users.find("DEV", "ada")
    assert ada is not None
    world.store.users.put(replace(ada, uid=1000, gid=1000), "hash")
    actor = shared(world, "EXECUTE")
    path = f"{actor}/messages?BASH_ENV=/_abaco_binary_data"
    world.refuse("POST", path, "bob", json={"message": "hi"}, saying="with its owner's uid")
    world.post(path, json={"message": "the owner may"})
    contained = world.actor("pri", useContainerUid=True)
    grant(world, contained, "bob", "EXECUTE", by="pri")
    world.post(f"{contained}/messages?BASH_ENV=/x", "bob", json={"message": "nobody's uid"})


@pytest.mark.parametrize(
    "restricted",
    [{"maxWorkers": 3}, {"memLimit": "3g"}, {"maxCpus": 3_000_000_000}, {"queue": "default"}, {"useContainerUid": True},
     {"privileged": True}],
)  # fmt: skip
def test_restricted_attributes_take_a_role_however_they_come(world: World, restricted: dict[str, Any]) -> None:
    form = {name: str(value) for name, value in restricted.items()}
    query = "&".join(f"{name}={value}" for name, value in form.items())
    for user in ("lim", "bob"):
        world.refuse("POST", "/actors", user, json={"image": "abacosamples/test", **restricted})
        world.refuse("POST", "/actors", user, data={"image": "abacosamples/test", **form})
        world.refuse("POST", f"/actors?{query}", user, json={"image": "abacosamples/test"})
        if "queue" not in restricted:  # the default is what an actor has: that it stays takes no role
            world.refuse("PUT", f"{world.actor(user)}?{query}", user, json={"image": "abacosamples/test"})


def test_what_is_not_asked_for_takes_no_role(world: World) -> None:
    false = {"privileged": "false", "useContainerUid": "false"}
    made = world.post("/actors", "lim", data={"image": "abacosamples/test", **false})
    assert made["privileged"] is False
    actor = world.actor("pri", maxWorkers=3, memLimit="1g")
    grant(world, actor, "bob", "UPDATE", by="pri")
    kept = world.put(actor, "bob", json={"image": "abacosamples/test", "maxWorkers": 3, "memLimit": "1g"})
    assert (kept["maxWorkers"], kept["memLimit"]) == (3, "1g")
    world.refuse("PUT", actor, "bob", json={"image": "abacosamples/test", "maxWorkers": 4})


def test_what_the_service_sets_callers_do_not(world: World) -> None:
    given = {
        "id": "x", "owner": "bob", "uid": 0, "gid": 0, "tasdir": "/", "status": "READY", "statusMessage": "x",
        "revision": 7, "cronNextEx": "2000-1-1 1", "createTime": "2000", "mounts": [{"host_path": "/"}],
    }  # fmt: skip
    made = world.post("/actors", json={"image": "abacosamples/test", **given})
    assert (made["owner"], made["status"], made["revision"], made["mounts"]) == ("ada", "SUBMITTED", 1, [])
    assert not {"uid", "gid", "tasdir", "cronNextEx"} & set(made)
    assert made["id"] != "x"


def test_who_reads_an_actor_does_not_get_the_nonce_in_its_webhook(world: World) -> None:
    """It opens more, and perhaps another actor."""
    target = world.actor()
    nonce = world.post(f"{target}/nonces", json={"level": "UPDATE"})["id"]
    url = f"https://abaco.test{target}/messages?x-nonce={nonce}"
    actor = shared(world, "UPDATE", webhook=url)
    own_nonce = world.post(f"{actor}/nonces", json={"level": "READ"})["id"]
    masked = url.replace(nonce, "********")
    put = {"image": "abacosamples/test", "webhook": masked}
    seen = [
        world.get(actor, "bob")["webhook"],
        world.get("/actors", "bob")[0]["webhook"],
        world.get("/actors/search/actors", "bob")["search"][0]["webhook"],
        world.put(actor, "bob", json=put)["webhook"],
        world.http.send("GET", f"{actor}?x-nonce={own_nonce}").json()["result"]["webhook"],
    ]
    assert seen == [masked] * 5
    assert world.get("/actors/search/actors?webhook.like=x-nonce", "bob")["search"] == []
    assert world.get("/actors/search/actors?webhook.like=x-nonce")["search"][0]["webhook"] == url
    assert world.get(actor)["webhook"] == url  # what was sent back masked has changed nothing


def test_running_as_who_sends_the_message(world: World) -> None:
    actor = shared(world, "EXECUTE", runAsExecutor=True)
    world.refuse("POST", f"{actor}/messages", "bob", json={"message": "hi"}, saying="uid")
    both = {"image": "abacosamples/test", "runAsExecutor": True, "useContainerUid": True}
    world.refuse("POST", "/actors", "pri", json=both, saying="exclude")


def test_privileged_actors_are_for_those_with_the_role_where_the_server_has_them(make_world: MakeWorld) -> None:
    description = {"image": "abacosamples/test", "privileged": True}
    world = make_world(privileged=True)
    world.refuse("POST", "/actors", "bob", json=description, saying="privileged")
    assert world.post("/actors", "pri", json=description)["privileged"] is True


def test_a_server_without_privileged_actors_says_so(world: World) -> None:
    description = {"image": "abacosamples/test", "privileged": True}
    world.refuse("POST", "/actors", "adm", json=description, saying="not available")


def test_update_and_execute_do_not_give_a_privileged_actor_other_code(make_world: MakeWorld) -> None:
    world = make_world(privileged=True)
    actor = world.actor("pri", privileged=True)
    grant(world, actor, "bob", "UPDATE", by="pri")
    for change in ({"image": "abacosamples/wc"}, {"image": "abacosamples/test", "description": "mine"}):
        world.refuse("PUT", actor, "bob", json={"privileged": True, **change}, saying="privileged")
    world.refuse("POST", f"{actor}/messages?LD_PRELOAD=/x", "bob", json={"message": "hi"}, saying="LD_PRELOAD")
    world.put(actor, "bob", json={"image": "abacosamples/wc"})


def test_mounts_and_homes_are_the_settings(make_world: MakeWorld) -> None:
    world = make_world(
        actor_homedir="/home/{username}", global_mounts=("{tasdir}/data:/data:ro",), work_directory="/w/{username}"
    )
    made = world.post("/actors", "bob", json={"image": "abacosamples/test"})
    assert made["tasdir"] == "/home/bob"
    assert made["mounts"] == [
        {"host_path": "/home/bob/data", "container_path": "/data", "mode": "ro"},
        {"host_path": "/w/bob", "container_path": "/work", "mode": "rw"},
    ]
