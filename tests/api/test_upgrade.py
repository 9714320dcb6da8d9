"""A database that version 0001 made and filled goes on to be used, whichever of the two it is."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import MetaData, create_engine, insert

import abaco.store
from abaco.services.passwords import hash_password
from abaco.store.database import open_database, require_url

from .world import START, World, open_world

_NOW = int(START.timestamp() * 1000)
_LATER = _NOW + 10**9
_ODD = '{"a":["x",1e300,{"k":"\\ud83d\\ude00 needle"}],"n":null}'
_NUL = '{"a":"x\\u0000y"}'
"""What not every database can look into."""
_ACTOR: dict[str, Any] = {
    "tenant": "DEV",
    "owner": "ada",
    "api_server": "https://abaco.test",
    "image": "abacosamples/test",
    "name": "counter",
    "description": "counts Wörter 👩‍👩‍👧",
    "type": "none",
    "default_environment": '{"A":"1"}',
    "stateless": True,
    "state": _ODD,
    "hints": "[]",
    "privileged": False,
    "use_container_uid": False,
    "queue": "default",
    "revision": 3,
    "status": "READY",
    "status_message": "",
    "created_at": _NOW,
    "updated_at": _NOW,
}
_EXECUTION: dict[str, Any] = {
    "actor_id": "actor1",
    "tenant": "DEV",
    "api_server": "https://abaco.test",
    "executor": "ada",
    "attempts": 1,
    "received_at": _NOW,
    "runtime": 3,
    "cpu": 5,
    "io": 7,
    "halt_requested": False,
}
_ENDED = {"status": "COMPLETE", "exit_code": 0, "final_state": '{"Error":""}', "finished_at": _NOW, "worker_id": "w"}
_ROWS: Mapping[str, list[dict[str, Any]]] = {
    "tenants": [{"id": "DEV"}, {"id": "OTHER", "api_server": "https://other.test"}],
    "users": [
        {"tenant": "DEV", "name": name, "password_hash": hash_password("secret"), "roles": roles}
        for name, roles in (("ada", '["user"]'), ("bob", '["user"]'), ("adm", '["admin"]'))
    ],
    "tokens": [
        {"digest": sha256(f"{name}s token".encode()).hexdigest(), "tenant": "DEV", "username": name}
        for name in ("ada", "bob", "adm")
    ],
    "actors": [{"id": "actor1", **_ACTOR}, {"id": "actor2", **_ACTOR, "owner": "bob", "state": _NUL}],
    "permissions": [
        {"actor_id": "actor1", "username": "ada", "level": 3},
        {"actor_id": "actor1", "username": "bob", "level": 1},
    ],
    "executions": [
        {"id": "done", **_EXECUTION, **_ENDED},
        {"id": "waits", **_EXECUTION, "status": "SUBMITTED", "final_state": "null", "attempts": 0},
        {"id": "gone", **_EXECUTION, **_ENDED, "actor_id": "actor3"},
    ],
    "messages": [
        {
            "execution_id": "waits",
            "actor_id": "actor1",
            "content_type": "str",
            "value": '"hello"',
            "size": 5,
            "revision": 3,
            "environment": "{}",
        }
    ],
    "logs": [
        {
            "execution_id": "done",
            "actor_id": "actor1",
            "text": "Contents of MSG: treasure\n",
            "expires_at": _LATER,
        },
        {"execution_id": "waits", "actor_id": "actor1", "text": "so far"},
    ],
    "results": [{"execution_id": "done", "actor_id": "actor1", "data": b"42", "expires_at": _LATER}],
    "engines": [{"id": "e", "host": "h:/data", "started_at": _NOW, "expires_at": _NOW}],
    "workers": [
        {
            "id": "w",
            "tenant": "DEV",
            "actor_id": "actor1",
            "engine_id": "e",
            "status": "READY",
            "revision": 3,
            "image": "abacosamples/test",
            "created_at": _NOW,
        }
    ],
    "images": [{"name": "abacosamples/test", "digest": "sha256:1", "source": "pull", "created_at": _NOW}],
}


def _made_by_0001(url: str) -> None:
    """Tables and rows as the first version left them."""
    engine = create_engine(require_url(url))
    config = Config()
    config.set_main_option("script_location", str(Path(abaco.store.__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    tables = MetaData()
    tables.reflect(engine)
    with engine.begin() as connection:
        for name, rows in _ROWS.items():
            for row in rows:
                connection.execute(insert(tables.tables[name]), row)
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def old_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    url: str = f"sqlite:///{tmp_path / 'old.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("empty_postgres_url")
    _made_by_0001(url)
    return url


def _use(world: World) -> None:
    actor = "/actors/v2/actor1"
    assert world.get(actor)["link"] == ""
    assert world.get(f"{actor}/permissions", "bob") == {"ada": "UPDATE", "bob": "READ"}
    world.refuse("POST", f"{actor}/messages", "bob", json={"message": "no"})
    world.post(f"{actor}/permissions", json={"user": "bob", "level": "EXECUTE"})
    world.message(actor, user="bob")
    assert world.get("/actors/v2/search/actors?search=needle")["_metadata"]["totalCount"] == 1
    assert world.get("/actors/v2/search/actors?exactsearch=counts+w%C3%B6rter")["_metadata"]["totalCount"] == 1
    assert world.get("/actors/v2/search/logs?search=treasure", "bob")["_metadata"]["totalCount"] == 1
    assert world.get(f"{actor}/executions/done/logs")["logs"] == "Contents of MSG: treasure\n"
    assert len(world.get(f"{actor}/workers")) == 1
    assert world.get("/actors/v2/utilization")["totalActors"] == 3
    claim = world.claim(actor)
    assert claim.execution_id == "waits"
    world.close(claim, "found a second treasure")
    assert world.get("/actors/v2/search/logs?search=treasure")["_metadata"]["totalCount"] == 2
    world.put(actor, json={"image": "abacosamples/other", "stateless": True})
    assert world.get("/actors/v2/search/actors?search=other")["_metadata"]["totalCount"] == 1
    assert world.get("/actors/v2/search/actors?image=abacosamples/test")["_metadata"]["totalCount"] == 0
    world.post("/actors/v2/aliases", json={"alias": "old", "actorId": "actor1"})
    nonce = world.post("/actors/v2/aliases/old/nonces", json={})["id"]
    assert (
        world.http.send("POST", f"/actors/v2/old/messages?x-nonce={nonce}", json={"message": "hi"}).status_code == 200
    )
    world.post("/actors/v2/configs", json={"name": "c", "value": "v", "isSecret": True, "actors": "old"})
    world.send("DELETE", actor)
    world.refuse("GET", actor, status=404)


def test_an_old_database_goes_on(old_url: str, tmp_path: Path) -> None:
    database = open_database(require_url(old_url))
    database.migrate()
    database.close()
    tokens = {name: f"{name}s token" for name in ("ada", "bob", "adm")}
    with open_world(old_url, tokens, tmp_path) as world:
        _use(world)
