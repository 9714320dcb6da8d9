"""Where a client finds its server and credentials if nobody says them."""

import json
import os
import stat
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from abaco import Abaco
from abaco.client import credentials
from abaco.errors import InvalidCredentials, InvalidInput, NotAuthenticated, Unavailable

TACC = "https://api.tacc.test"
CURRENT = {
    "tenantid": "tacc.prod",
    "baseurl": f"{TACC}/",
    "devurl": "",
    "apikey": "key",
    "apisecret": "secret",
    "username": "ada",
    "access_token": "cached",
    "refresh_token": "refresh1",
    "created_at": "1000000000",
    "expires_in": "14400",
    "expires_at": "Sun Sep  9 05:46:40 2001",
}
AGPY = {"api_server": TACC, "token": "agpy", "refresh_token": "r", "api_key": "k", "api_secret": "s", "verify": True}


class Servers:
    """Every server there is: what they are asked, and what they grant for a refresh token."""

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []
        self.grant = httpx.Response(
            200,
            json={"access_token": "fresh", "refresh_token": "refresh2", "expires_in": 14400},
        )

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if request.url.path == "/token":
            return self.grant
        return httpx.Response(200, json={"result": []})

    def who(self, *arguments: Any, **named: Any) -> tuple[str, str | None]:
        """The address and the credentials of a client's request."""
        Abaco(*arguments, **named, transport=httpx.MockTransport(self)).actors.list()
        url = self.asked[-1].url
        return f"{url.scheme}://{url.host}", self.asked[-1].headers.get("Authorization")


@pytest.fixture
def servers() -> Servers:
    return Servers()


@pytest.fixture
def login() -> None:
    credentials.write(credentials.Credentials(server="http://stored", token="stored"))


@pytest.fixture
def caches(home: Path) -> Path:
    folder = home / ".agave"
    folder.mkdir()
    (folder / "current").write_text(json.dumps(CURRENT))
    return folder


def test_nothing_anywhere() -> None:
    with pytest.raises(NotAuthenticated, match=r"^no server is known: .*ABACO_SERVER"):
        Abaco()
    with pytest.raises(NotAuthenticated, match=r"^no token is known for http://a: .*ABACO_TOKEN"):
        Abaco("http://a")


def test_arguments_then_environment_then_login_then_caches(
    servers: Servers, login: None, caches: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert servers.who() == ("http://stored", "Bearer stored")
    assert servers.who("http://stored/") == ("http://stored", "Bearer stored")
    assert servers.who(TACC) == (TACC, "Bearer fresh")
    monkeypatch.setenv("ABACO_TOKEN", "variable")
    assert servers.who() == ("http://stored", "Bearer variable")
    monkeypatch.setenv("ABACO_SERVER", "http://variable")
    assert servers.who() == ("http://variable", "Bearer variable")
    assert servers.who("http://argument") == ("http://argument", "Bearer variable")
    assert servers.who(token="argument") == ("http://variable", "Bearer argument")
    assert servers.who(nonce="n") == ("http://variable", None)
    monkeypatch.setenv("ABACO_SERVER", "")
    monkeypatch.setenv("ABACO_TOKEN", "")
    assert servers.who() == ("http://stored", "Bearer stored")


def test_what_is_stored_goes_to_its_own_server_only(servers: Servers, login: None, caches: Path) -> None:
    with pytest.raises(NotAuthenticated, match="no token is known for http://evil"):
        servers.who("http://evil")
    assert servers.asked == []


def test_what_is_said_needs_no_file(home: Path, servers: Servers) -> None:
    (home / ".config/abaco").mkdir(parents=True)
    (home / ".config/abaco/config.toml").write_text("damaged = ")
    assert servers.who("http://a", "t") == ("http://a", "Bearer t")
    with pytest.raises(InvalidInput, match="is damaged"):
        Abaco("http://a")


def test_a_cached_session_that_has_expired_is_refreshed_and_stored(servers: Servers, caches: Path) -> None:
    nested = {"current": {"notebook": CURRENT}, "sessions": {"tacc.prod": {"ada": {"notebook": CURRENT}}}}
    (caches / "config.json").write_text(json.dumps(nested))
    assert servers.who() == (TACC, "Bearer fresh")
    assert [request.url.path for request in servers.asked] == ["/token", "/actors/v2"]
    asked = servers.asked[0]
    assert parse_qs(asked.content.decode()) == {
        "grant_type": ["refresh_token"],
        "refresh_token": ["refresh1"],
        "scope": ["PRODUCTION"],
    }
    assert asked.headers["Authorization"] == "Basic a2V5OnNlY3JldA=="
    now = json.loads((caches / "current").read_text())
    assert (now["access_token"], now["refresh_token"], now["expires_in"]) == ("fresh", "refresh2", 14400)
    assert now.keys() == CURRENT.keys()
    assert stat.S_IMODE((caches / "current").stat().st_mode) == 0o600
    config = json.loads((caches / "config.json").read_text())
    assert config["current"]["notebook"] == config["sessions"]["tacc.prod"]["ada"]["notebook"] == now
    assert servers.who() == (TACC, "Bearer fresh")
    assert len(servers.asked) == 3


def test_a_cached_session_that_lasts_is_used_as_it_is(servers: Servers, caches: Path) -> None:
    for content in (CURRENT | {"expires_in": 10**12}, CURRENT | {"expires_in": ""}, CURRENT | {"refresh_token": ""}):
        (caches / "current").write_text(json.dumps([content]))
        assert servers.who() == (TACC, "Bearer cached")


def test_a_session_that_is_over_says_where_it_is(servers: Servers, caches: Path) -> None:
    servers.grant = httpx.Response(400, json={"error": "invalid_grant", "error_description": "used already"})
    with pytest.raises(InvalidCredentials, match=r"the session in .*/\.agave/current has ended \(used already\)"):
        servers.who()
    servers.grant = httpx.Response(503, text="busy")
    with pytest.raises(Unavailable, match="HTTP 503"):
        servers.who()
    assert json.loads((caches / "current").read_text()) == CURRENT


def test_the_folder_of_the_cache_can_be_said(
    servers: Servers, home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "current").write_text(json.dumps(CURRENT | {"expires_in": ""}))
    monkeypatch.setenv("AGAVE_CACHE_DIR", str(tmp_path / "elsewhere"))
    assert servers.who() == (TACC, "Bearer cached")


def test_the_older_file_of_agavepy(servers: Servers, home: Path) -> None:
    (home / ".agpy").write_text(json.dumps([{"api_server": "https://other", "token": "o"}, AGPY]))
    assert servers.who() == ("https://other", "Bearer o")
    assert servers.who(TACC) == (TACC, "Bearer agpy")


@pytest.mark.parametrize("content", ["", "[", "null", "[1]", '{"baseurl": 3, "access_token": {}}', "\x00\xff"])
def test_caches_that_hold_nothing(caches: Path, content: str) -> None:
    (caches / "current").write_text(content)
    with pytest.raises(NotAuthenticated, match="no server is known"):
        Abaco()


def test_a_link_stays_a_link(servers: Servers, caches: Path) -> None:
    (caches / "current").rename(caches / "kept")
    (caches / "current").symlink_to(caches / "kept")
    assert servers.who() == (TACC, "Bearer fresh")
    assert (caches / "current").is_symlink()
    assert json.loads((caches / "kept").read_text())["refresh_token"] == "refresh2"


def test_a_refresh_that_cannot_be_stored_is_good_all_the_same(servers: Servers, caches: Path) -> None:
    (caches / f"current.{os.getpid()}.new").write_text("in the way")
    assert servers.who() == (TACC, "Bearer fresh")
    assert json.loads((caches / "current").read_text()) == CURRENT
