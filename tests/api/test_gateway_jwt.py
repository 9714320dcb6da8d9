"""Requests that an API gateway vouches for with a signed JWT."""

import base64
import json
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from abaco.domain.tenant import Tenant
from abaco.services.users import Users

from .asgi import result_of
from .conftest import MakeWorld
from .jwts import key, public_der, public_pem, signed
from .world import START, World

USER, ROLE = "http://wso2.org/claims/enduser", "http://wso2.org/claims/role"
NOW = int(START.timestamp())


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    world = make_world(user_role="Internal/everyone")
    world.store.tenants.put(Tenant("DEV", None, public_pem()))
    world.store.tenants.put(Tenant("Dev-Develop", None, base64.b64encode(public_der()).decode()))
    return world


def claims(user: Any = "jdoe@carbon.super", role: Any = "Internal/everyone", exp: Any = NOW + 60) -> dict[str, Any]:
    return {"iss": "wso2.org/products/am", USER: user, ROLE: role, "exp": exp}


def send(
    world: World, token: str, tenant: str = "DEV", method: str = "GET", path: str = "/actors/v2", **body: Any
) -> httpx.Response:
    return world.http.send(method, path, headers=[(f"X-Jwt-Assertion-{tenant}", token)], **body)


def me(world: World, token: str, tenant: str = "DEV") -> Any:
    return result_of(send(world, token, tenant, path="/profiles/v2/me"))


def require_invalid(world: World, token: str, tenant: str = "DEV") -> None:
    response = send(world, token, tenant, path="/actors/v2?x-nonce=DEV_whatever")
    assert response.status_code == 401, response.text
    assert response.headers["x-abaco-error-code"] == "invalid_credentials"
    assert token[-20:] not in response.text or not token


def test_the_gateways_word_is_taken(world: World) -> None:
    assert me(world, signed(claims()))["username"] == "jdoe"
    assert me(world, signed(claims("jdoe")))["username"] == "jdoe"


def test_the_tenant_is_in_the_headers_name(world: World) -> None:
    token = signed(claims())
    actor = result_of(send(world, token, "DEV-DEVELOP", "POST", json={"image": "abacosamples/test"}))
    assert actor["owner"] == "jdoe"
    assert send(world, token, "dev-develop", path=f"/actors/v2/{actor['id']}").status_code == 200
    assert send(world, token, "DEV", path=f"/actors/v2/{actor['id']}").status_code == 404
    require_invalid(world, token, "NOWHERE")
    require_invalid(world, token, "OTHER")  # has no key


def test_the_algorithm_has_two_names_and_no_other(world: World) -> None:
    me(world, signed(claims(), alg="SHA256withRSA"))
    pem = public_pem().encode()
    head = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    body = signed(claims()).split(".")[1]
    for token in (
        f"{head}.{body}.",
        signed(claims(), alg="RS512"),
        signed(claims(), alg="none"),
        signed(claims(), alg=["RS256"]),
        signed(claims(), crit=["b64"], b64=False),
        jwt.encode({"alg": "RS512"}, claims(), RSAKey.import_key(_private()), algorithms=["RS512"]),
        jwt.encode({"alg": "HS256"}, claims(), OctKey.import_key(base64.b64encode(pem)), algorithms=["HS256"]),
    ):
        require_invalid(world, token)


def _private() -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key("gateway").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    "token",
    [
        "",
        "123",
        "a.b.c",
        "..",
        "\u00e9.\u00e9.\u00e9",
        "W10.W10.W10",
        "e30.e30.e30",
        "x" * 20_000,
        "W1tb" * 3000 + ".W10.",
    ],
)
def test_what_is_no_jwt_is_refused(world: World, token: str) -> None:
    require_invalid(world, token)


def test_another_key_or_another_word_is_refused(world: World) -> None:
    require_invalid(world, signed(claims(), "stranger"))
    head, _, signature = signed(claims()).split(".")
    forged = base64.urlsafe_b64encode(json.dumps(claims("adm")).encode()).decode().rstrip("=")
    require_invalid(world, f"{head}.{forged}.{signature}")


def test_its_time_is_kept_in_seconds(world: World) -> None:
    token = signed(claims(exp=NOW + 60))
    me(world, token)
    world.clock.advance(seconds=60)
    require_invalid(world, token)
    me(world, signed(claims(exp=NOW * 1000)))  # milliseconds, as test suites have them
    exp: Any
    for exp in (NOW - 1, str(NOW + 600), None, True, [], float("nan")):
        require_invalid(world, signed(claims(exp=exp)))
    without = claims()
    del without["exp"]
    require_invalid(world, signed(without))
    require_invalid(world, signed({**claims(exp=NOW + 600), "nbf": NOW + 300}))


@pytest.mark.parametrize(
    ("role", "is_admin", "may_restrict"),
    [
        ("Internal/everyone,Internal/abaco-admin", True, True),
        ("Internal/abaco-privileged", False, True),
        ("Internal/abaco-limited", False, False),
        (["Internal/abaco-limited", "x"], False, False),
        (" Internal/everyone , Other", False, False),
        ("", False, False),
        (None, False, False),
    ],
)
def test_roles_are_the_gateways(world: World, role: Any, is_admin: bool, may_restrict: bool) -> None:
    token = signed(claims(role=role))
    description = {"image": "abacosamples/test", "maxWorkers": 3}
    assert send(world, token, method="POST", json=description).status_code == (200 if may_restrict else 400)
    actor = world.actor()
    assert send(world, token, path=actor).status_code == (200 if is_admin else 400)


@pytest.mark.parametrize("role", ["Internal/other", "abaco-admin", "ALL", "admin", {"a": 1}])
def test_without_a_role_nobody_gets_in(world: World, role: Any) -> None:
    response = send(world, signed(claims(role=role)))
    world.require_refused(response, 400, "Not authorized -- missing required role.")


def test_no_role_is_everyones_role_and_may_not_do(make_world: MakeWorld) -> None:
    world = make_world()
    world.store.tenants.put(Tenant("DEV", None, public_pem()))
    world.require_refused(send(world, signed(claims(role=""))), 400, "missing required role")
    me(world, signed(claims(role="Internal/abaco-user")))


@pytest.mark.parametrize("user", [None, "", "@x", "a b", "x" * 65, "ABACO_WORLD", 12.5, {"a": "b"}])
def test_a_name_that_cannot_be_is_refused(world: World, user: Any) -> None:
    if user == 12.5:
        assert me(world, signed(claims(user)))["username"] == "12.5"
    else:
        require_invalid(world, signed(claims(user)))


def test_a_user_removed_here_is_out(world: World) -> None:
    me(world, signed(claims("bob")))
    Users(world.store, world.clock).remove("DEV", "bob")
    require_invalid(world, signed(claims("bob")))


def test_the_gateway_goes_before_other_credentials(world: World) -> None:
    headers = [
        ("Authorization", "Bearer unknown"),
        ("X-Tapis-Token", "unknown"),
        ("X-JWT-Assertion-dev", signed(claims())),
    ]
    assert result_of(world.http.send("GET", "/profiles/v2/me", headers=headers))["username"] == "jdoe"


def test_the_old_header_means_its_tenant(world: World) -> None:
    headers = [("Assertion", signed(claims()))]
    assert world.http.send("GET", "/actors/v2", headers=headers).status_code == 401
    world.store.tenants.put(Tenant("dev_staging", None, public_pem()))
    result_of(world.http.send("GET", "/actors/v2", headers=headers))


def test_the_container_learns_the_headers_name(world: World) -> None:
    actor = result_of(send(world, signed(claims()), method="POST", json={"image": "abacosamples/test"}))["id"]
    path = f"/actors/v2/{actor}/messages"
    result_of(send(world, signed(claims()), "dev", "POST", path, json={"message": "hi"}))
    claim = world.claim(f"/actors/v2/{actor}")
    assert claim.jwt_header == "X-Jwt-Assertion-DEV"


def test_its_execution_has_a_token_of_an_owner_we_do_not_know(world: World) -> None:
    """As an ordinary user, whatever the gateway says of the owner: we cannot ask it."""
    token = signed(claims(role="Internal/abaco-admin"))
    actor = f"/actors/v2/{result_of(send(world, token, method='POST', json={'image': 'i'}))['id']}"
    result_of(send(world, token, method="POST", path=f"{actor}/messages", json={"message": "hi"}))
    claim = world.claim(actor)
    own = world.execution_token(claim, owner_token=True)
    assert result_of(world.http.send("GET", "/profiles/v2/me", token=own))["username"] == "jdoe"
    assert world.http.send("GET", actor, token=own).status_code == 200
    assert world.http.send("GET", world.actor("bob"), token=own).status_code == 400
    world.close(claim)
    assert world.http.send("GET", actor, token=own).status_code == 401
