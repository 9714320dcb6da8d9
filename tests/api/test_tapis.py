"""What Tapis clients ask of us: tokens, tenants, and X-Tapis-Token on every surface."""

import base64
import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from abaco.domain.tenant import Tenant
from abaco.services.users import Users

from .asgi import result_of
from .conftest import MakeWorld
from .jwts import public_pem, signed
from .test_oauth import basic, make_client, require_out
from .world import START, World

NOW = int(START.timestamp())
PASSWORD = {"grant_type": "password", "username": "ada", "password": "secret"}


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    world = make_world(default_tenant="DEV")
    world.store.tenants.put(Tenant("DEV", None, public_pem()))
    return world


def tapis(world: World, token: str, path: str = "/v3/oauth2/userinfo") -> Any:
    return result_of(world.http.send("GET", path, headers=[("X-Tapis-Token", token)]))


def sign_in(world: World, **body: Any) -> Any:
    return result_of(world.http.send("POST", "/v3/oauth2/tokens", json={**PASSWORD, **body}))


def claims(**other: Any) -> dict[str, Any]:
    return {"tapis/tenant_id": "dev", "tapis/username": "jdoe", "exp": NOW + 60, **other}


def test_a_password_gets_a_jwt_that_clients_can_read(world: World) -> None:
    tokens = sign_in(world)
    access = tokens["access_token"]
    assert access["expires_in"] == 14_400
    assert access["expires_at"] == "2026-04-30T01:46:53.007Z"
    (tenant,) = [t for t in result_of(world.http.send("GET", "/v3/tenants")) if t["tenant_id"] == "dev"]
    read = jwt.decode(access["access_token"], RSAKey.import_key(tenant["public_key"]), algorithms=["RS256"]).claims
    assert (read["tapis/username"], read["tapis/tenant_id"], read["tapis/token_type"]) == ("ada", "dev", "access")
    assert read["exp"] == NOW + 14_400
    assert tokens["refresh_token"]["refresh_token"].count(".") == 2


@pytest.mark.parametrize("path", ["/v3/actors", "/actors/v2", "/actors", "/v3/oauth2/userinfo", "/profiles/v2/me"])
def test_its_token_is_taken_everywhere(world: World, path: str) -> None:
    token = sign_in(world)["access_token"]["access_token"]
    tapis(world, token, path)
    assert world.http.send("GET", path, token=token).status_code == 200
    tapis(world, world.tokens["ada"], path)
    world.clock.advance(seconds=14_400)
    response = world.http.send("GET", path, headers=[("X-Tapis-Token", token)])
    assert response.status_code == 401


def test_it_is_refreshed_with_and_without_a_client(world: World) -> None:
    client = make_client(world)
    for headers in ([], basic(*client)):
        first = result_of(world.http.send("POST", "/v3/oauth2/tokens", headers=headers, json=PASSWORD))
        body = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]["refresh_token"]}
        second = result_of(world.http.send("POST", "/v3/oauth2/tokens", headers=headers, json=body))
        assert tapis(world, second["access_token"]["access_token"])["username"] == "ada"
        again = world.http.send("POST", "/v3/oauth2/tokens", headers=headers, json=body)
        world.require_refused(again, 401, "refresh token")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"password": "wrong"}, 401),
        ({"username": "nobody"}, 401),
        ({"password": None}, 400),
        ({"grant_type": "client_credentials"}, 400),
        ({"grant_type": "device_code"}, 400),
        ({"grant_type": "refresh_token"}, 401),
    ],
)
def test_what_is_not_granted_comes_in_an_envelope(world: World, body: dict[str, Any], status: int) -> None:
    world.require_refused(world.http.send("POST", "/v3/oauth2/tokens", json={**PASSWORD, **body}), status)
    wrong = world.http.send("POST", "/v3/oauth2/tokens", headers=basic("a", "b"), json=PASSWORD)
    world.require_refused(wrong, 401, "client")


def test_refreshing_at_another_host_makes_nobody_a_user_of_its_tenant(world: World) -> None:
    """What the token says is signed, and others take our word."""

    def ask(host: str, body: dict[str, Any]) -> Any:
        return world.http.send("POST", "/v3/oauth2/tokens", headers=[("Host", host)], json=body)

    there = result_of(ask("other.test", PASSWORD))
    refresh = {"grant_type": "refresh_token", "refresh_token": there["refresh_token"]["refresh_token"]}
    world.require_refused(ask("abaco.test", refresh), 401, "refresh token")
    again = result_of(ask("other.test", refresh))["access_token"]["access_token"]
    payload = again.split(".")[1]
    assert json.loads(base64.urlsafe_b64decode(payload + "=="))["tapis/tenant_id"] == "other"


def test_it_can_be_revoked_by_who_has_it(world: World) -> None:
    first, second = sign_in(world), sign_in(world)
    for token in (first["access_token"]["access_token"], "unknown"):
        assert result_of(world.http.send("POST", "/v3/oauth2/tokens/revoke", json={"token": token})) is None
    require_out(world, first["access_token"]["access_token"])
    assert tapis(world, second["access_token"]["access_token"])["username"] == "ada"
    Users(world.store, world.clock).revoke("DEV", "ada")
    require_out(world, second["access_token"]["access_token"])


def test_tapis_own_tokens_are_taken(world: World) -> None:
    assert tapis(world, signed(claims()))["username"] == "jdoe"
    actor = world.actor()
    for user, status in (("jdoe", 400), ("adm", 200), ("ada", 200)):  # the roles are those given here
        headers = [("X-Tapis-Token", signed(claims(**{"tapis/username": user})))]
        assert world.http.send("GET", actor, headers=headers).status_code == status


@pytest.mark.parametrize(
    "token",
    [
        "",
        "123",
        "a.b.c",
        signed({}),
        signed(claims(**{"tapis/tenant_id": "other"})),
        signed(claims(**{"tapis/tenant_id": "nowhere"})),
        signed(claims(**{"tapis/tenant_id": None})),
        signed(claims(**{"tapis/tenant_id": "d\0"})),
        signed(claims(**{"tapis/tenant_id": "\ud800"})),
        signed(claims(**{"tapis/username": "\ud800"})),
        signed(claims(**{"tapis/username": ""})),
        signed(claims(exp=NOW)),
        signed(claims(**{"tapis/token_type": "refresh"})),
        signed(claims(), "stranger"),
        signed(claims(), alg="none"),
    ],
)
def test_other_tokens_are_not(world: World, token: str) -> None:
    response = world.http.send("GET", "/v3/actors", headers=[("X-Tapis-Token", token)])
    assert response.status_code == 401
    assert "Invalid Credentials" in response.json()["message"]


def test_an_altered_token_of_ours_is_not_ours(world: World) -> None:
    head, body, signature = sign_in(world)["access_token"]["access_token"].split(".")
    read = json.loads(base64.urlsafe_b64decode(body + "=="))
    forged = base64.urlsafe_b64encode(json.dumps({**read, "tapis/username": "adm"}).encode()).decode().rstrip("=")
    require_out(world, f"{head}.{forged}.{signature}")
    headers = [("X-Tapis-Token", f"{head}.{forged}.{signature}")]
    assert world.http.send("GET", "/v3/actors", headers=headers).status_code == 401


def test_an_executions_token_is_taken_as_tapis_token(world: World) -> None:
    actor = world.actor(stateless=False)
    world.message(actor)
    token = world.execution_token(world.claim(actor), owner_token=True)
    assert tapis(world, token)["username"] == "ada"


def test_tenants_and_sites_are_looked_up(world: World) -> None:
    dev, other = result_of(world.http.send("GET", "/v3/tenants"))
    assert (dev["tenant_id"], other["tenant_id"]) == ("dev", "other")
    assert other["base_url"] == "https://other.test"
    assert dev["public_key"].startswith("-----BEGIN PUBLIC KEY-----")
    assert result_of(world.http.send("GET", "/v3/tenants/DEV")) == dev
    assert world.http.send("GET", "/v3/tenants/nowhere").status_code == 404
    (site,) = result_of(world.http.send("GET", "/v3/sites"))
    assert site["site_id"] == dev["site_id"]
