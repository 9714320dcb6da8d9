"""The ways to sign in, against a real server."""

import json
from pathlib import Path

import httpx
import pytest
from bench.live import LiveServer

from abaco import Abaco
from abaco.errors import AbacoError, NotAuthenticated


def test_a_password(server: LiveServer) -> None:
    with Abaco(server.url, username="jane", password="secret") as ab:
        actor = ab.actors.add("abacosamples/wc", name="by_password")
        assert actor.owner == "jane"
        ab.actors.delete(actor.id)
    with Abaco(server.url, username="jane", password="wrong") as ab, pytest.raises(NotAuthenticated):
        ab.actors.list()


def test_a_nonce(server: LiveServer, ab: Abaco) -> None:
    actor = ab.actors.add("abacosamples/wc")
    made = httpx.post(
        f"{server.url}/actors/v2/{actor.id}/nonces",
        json={"level": "READ"},
        headers={"Authorization": f"Bearer {server.token}"},
    )
    nonce = made.json()["result"]["id"]
    with Abaco(server.url, nonce=nonce) as friend:
        assert friend.actors.get(actor.id).id == actor.id
        with pytest.raises(AbacoError):
            friend.messages.send(actor.id, "READ is not EXECUTE")
    ab.actors.delete(actor.id)


def test_a_session_of_agavepy(server: LiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with httpx.Client(base_url=server.url) as http:
        made = http.post("/clients/v2", auth=("jane", "secret"), data={"clientName": "cached"}).json()["result"]
        key = (made["consumerKey"], made["consumerSecret"])
        grant = http.post(
            "/token", auth=key, data={"grant_type": "password", "username": "jane", "password": "secret"}
        ).json()
        http.post("/revoke", auth=key, data={"token": grant["access_token"]}).raise_for_status()
    session = {"baseurl": server.url, "apikey": key[0], "apisecret": key[1], **grant}
    (tmp_path / "current").write_text(json.dumps(session))
    for name in ("ABACO_SERVER", "ABACO_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("AGAVE_CACHE_DIR", str(tmp_path))

    for _ in range(2):
        with Abaco() as ab:
            assert isinstance(ab.actors.list(), list)

    renewed = json.loads((tmp_path / "current").read_text())
    assert renewed["refresh_token"] != grant["refresh_token"]
