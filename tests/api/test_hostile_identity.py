"""Anything at all shown as credentials gets an answer below 500 (P7)."""

import json
import random
from base64 import b64encode
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from abaco.domain.tenant import Tenant

from .conftest import MakeWorld
from .jwts import public_pem, signed
from .test_oauth import basic, make_client
from .world import START, World, add_users, open_world

REQUESTS = 150
WORDS: list[Any] = [
    "ada",
    "secret",
    "",
    "\0",
    "a\0da",
    "\ud800",
    "\udc00",
    "\u00e9" * 70,
    "x" * 5000,
    "../..",
    "'; DROP TABLE users; --",
    "%00",
    "DEV",
    "ABACO_WORLD",
    None,
    True,
    1e308,
    -1,
    [],
    {},
    ["ada"],
]
FIELDS = [
    "grant_type",
    "username",
    "password",
    "refresh_token",
    "token_username",
    "client_id",
    "client_secret",
    "token",
    "clientName",
    "description",
    "tier",
    "callbackUrl",
]
GRANTS = ["password", "refresh_token", "client_credentials", "admin_password"]
PATHS = [
    ("POST", "/token"),
    ("POST", "/revoke"),
    ("POST", "/v3/oauth2/tokens"),
    ("POST", "/v3/oauth2/tokens/revoke"),
    ("POST", "/clients/v2"),
    ("GET", "/clients/v2/%00"),
    ("DELETE", "/clients/v2/%ed%a0%80"),
    ("GET", "/clients/v2/%F0%9F%98%80/subscriptions"),
    ("GET", "/profiles/v2/me"),
    ("GET", "/profiles/v2/%00%ff"),
    ("GET", "/v3/oauth2/profiles/" + "x" * 3000),
    ("GET", "/tenants/%00"),
    ("GET", "/v3/tenants/%ed%a0%80"),
    ("GET", "/actors"),
]
CLAIMS = ["http://wso2.org/claims/enduser", "http://wso2.org/claims/role", "tapis/tenant_id", "tapis/username", "exp"]


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "sqlite":
        make_world: MakeWorld = request.getfixturevalue("make_world")
        yield make_world(default_tenant="DEV")
        return
    url: str = request.getfixturevalue("postgres_url")
    with open_world(url, add_users(url), tmp_path, default_tenant="DEV") as world:
        yield world


def header_text(text: str) -> str:
    return "".join(char if " " <= char <= "\xff" else "?" for char in text)


def some_jwt(choice: random.Random) -> str:
    claims = {"exp": START.timestamp() * 1000, "tapis/tenant_id": "dev", "tapis/username": "ada"}
    claims |= {choice.choice(CLAIMS): choice.choice(WORDS) for _ in range(choice.randrange(3))}
    return signed(claims, alg=choice.choice(["RS256", "RS256", "none", None, 5, ["RS256"], {}]))


def some_headers(choice: random.Random, client: tuple[str, str]) -> list[tuple[str, str]]:
    name, password = (str(choice.choice(WORDS)) for _ in range(2))
    shown = b64encode(f"{name}:{password}".encode(errors="surrogatepass")).decode()
    return choice.choice(
        [
            [],
            basic(*client),
            basic("ada", "secret"),
            [("Authorization", f"Basic {shown}")],
            [("Authorization", f"Basic {header_text(name)}")],
            [("Authorization", f"Bearer {some_jwt(choice)}")],
            [("X-Tapis-Token", some_jwt(choice))],
            [("X-Jwt-Assertion-" + choice.choice(["DEV", "", "NOWHERE", "x" * 300]), some_jwt(choice))],
            [("Assertion", header_text(str(choice.choice(WORDS))))],
            [("X-Nonce", header_text(str(choice.choice(WORDS))))],
            [("Host", header_text(str(choice.choice(WORDS)))), *basic("ada", "secret")],
        ]
    )


def some_body(choice: random.Random) -> dict[str, Any]:
    values = {name: choice.choice(WORDS) for name in choice.sample(FIELDS, 6)}
    if choice.random() < 0.7:
        values["grant_type"] = choice.choice(GRANTS)
    if choice.random() < 0.5:
        return {"content": json.dumps(values).encode(), "kind": "application/json"}
    texts = {name: str(value).encode(errors="surrogatepass") for name, value in values.items()}
    return {"content": urlencode(texts).encode(), "kind": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize("seed", [0, 1])
def test_hostile_credentials(world: World, seed: int) -> None:
    world.store.tenants.put(Tenant("DEV", None, public_pem()))
    choice = random.Random(seed)
    client = make_client(world)
    seen = set()
    for _ in range(REQUESTS):
        method, path = choice.choice(PATHS)
        body = some_body(choice) if method == "POST" else {}
        headers = some_headers(choice, client)
        response = world.http.send(method, path, headers=headers, **body)
        assert response.status_code < 500, (method, path, headers, body)
        seen.add(response.status_code)
        world.clock.advance(minutes=5)
    assert seen >= {200, 400, 401}
