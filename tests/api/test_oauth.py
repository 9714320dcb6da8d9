"""OAuth2 as the stock clients use it: clients, tokens, refreshing, revoking, profiles, tenants."""

import json
from base64 import b64encode
from typing import Any

import httpx
import pytest

from abaco.domain.user import Role, User
from abaco.services.users import Users

from .asgi import result_of
from .conftest import MakeWorld
from .world import World

PASSWORD = "secret"


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world(default_tenant="DEV")


def basic(name: str, password: str) -> list[tuple[str, str]]:
    return [("Authorization", "Basic " + b64encode(f"{name}:{password}".encode()).decode())]


def sign_in(
    world: World, method: str, path: str, name: str = "ada", password: str = PASSWORD, **body: Any
) -> httpx.Response:
    return world.http.send(method, path, headers=basic(name, password), **body)


def make_client(world: World, name: str = "notebook", user: str = "ada") -> tuple[str, str]:
    made = result_of(sign_in(world, "POST", "/clients/v2/", user, json={"clientName": name}))
    return made["consumerKey"], made["consumerSecret"]


def ask(world: World, client: tuple[str, str], **form: str) -> httpx.Response:
    return world.http.send("POST", "/token?pretty=true", headers=basic(*client), data={"scope": "PRODUCTION", **form})


def granted(world: World, client: tuple[str, str], **form: str) -> dict[str, Any]:
    response = ask(world, client, **form)
    assert response.status_code == 200, response.text
    assert response.headers["cache-control"] == "no-store"
    body: dict[str, Any] = response.json()
    assert (body["token_type"], body["scope"], int(body["expires_in"])) == ("bearer", "PRODUCTION", 14_400)
    return body


def by_password(world: World, client: tuple[str, str], user: str = "ada") -> dict[str, Any]:
    return granted(world, client, grant_type="password", username=user, password=PASSWORD)


def require_refusal(response: httpx.Response, error: str, status: int = 400) -> None:
    body = response.json()
    assert response.status_code == status, body
    assert set(body) == {"error", "error_description"}
    assert body["error"] == error
    assert body["error_description"]


def require_in(world: World, token: str, username: str = "ada") -> None:
    assert result_of(world.http.send("GET", "/profiles/v2/me", token=token))["username"] == username


def require_out(world: World, token: str) -> None:
    response = world.http.send("GET", "/actors/v2", token=token)
    assert response.status_code == 401
    assert response.json()["fault"]["message"] == "Invalid Credentials"


# --- clients ---


def test_a_client_is_made_shown_and_deleted(world: World) -> None:
    response = sign_in(world, "POST", "/clients/v2/", json={"clientName": "abaco_quickstart"})
    made = result_of(response)
    key, secret = made.pop("consumerKey"), made.pop("consumerSecret")
    base = "https://abaco.test"
    assert made == {
        "name": "abaco_quickstart",
        "description": "",
        "callbackUrl": "",
        "tier": "Unlimited",
        "_links": {
            "self": {"href": f"{base}/clients/v2/abaco_quickstart"},
            "subscriber": {"href": f"{base}/profiles/v2/ada"},
            "subscriptions": {"href": f"{base}/clients/v2/abaco_quickstart/subscriptions/"},
        },
    }
    assert min(len(key), len(secret)) >= 32
    shown = {"consumerKey": key, **made}
    assert result_of(sign_in(world, "GET", "/clients/v2")) == [shown]
    assert result_of(sign_in(world, "GET", "/clients/v2/abaco_quickstart")) == shown
    assert result_of(sign_in(world, "DELETE", "/clients/v2/abaco_quickstart")) is None
    assert result_of(sign_in(world, "GET", "/clients/v2/")) == []


def test_a_client_may_come_as_the_helpers_form(world: World) -> None:
    form = {"clientName": "cli", "description": "the CLI", "tier": "Unlimited", "callbackUrl": ""}
    made = result_of(sign_in(world, "POST", "/clients/v2", data=form))
    assert (made["name"], made["description"]) == ("cli", "the CLI")


def test_a_clients_name_is_taken_once(world: World) -> None:
    make_client(world)
    response = sign_in(world, "POST", "/clients/v2", json={"clientName": "notebook"})
    world.require_refused(response, 400, "notebook")
    make_client(world, user="bob")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"clientName": ""},
        {"clientName": "a/b"},
        {"clientName": "x" * 65},
        {"clientName": "a", "description": "x" * 2000},
    ],
)
def test_a_bad_client_is_refused(world: World, body: dict[str, str]) -> None:
    world.require_refused(sign_in(world, "POST", "/clients/v2", json=body), 400)
    assert world.count("clients") == 0


def test_clients_are_their_users_own(world: World) -> None:
    """P6"""
    make_client(world)
    for user, host in (("bob", "abaco.test"), ("ada", "other.test")):
        headers = [*basic(user, PASSWORD), ("Host", host)]
        assert result_of(world.http.send("GET", "/clients/v2", headers=headers)) == []
        for method in ("GET", "DELETE"):
            assert world.http.send(method, "/clients/v2/notebook", headers=headers).status_code == 404
    assert world.count("clients") == 1


def test_subscriptions_are_shown_and_never_change(world: World) -> None:
    make_client(world)
    path = "/clients/v2/notebook/subscriptions"
    (api,) = result_of(sign_in(world, "GET", path))
    assert set(api) == {"apiName", "apiVersion", "apiProvider"}
    assert result_of(sign_in(world, "POST", path, data={"apiName": "*"})) == [api]
    assert result_of(sign_in(world, "DELETE", path + "/")) is None
    assert result_of(sign_in(world, "GET", path)) == [api]
    assert sign_in(world, "GET", "/clients/v2/nothing/subscriptions").status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        [],
        basic("ada", "wrong"),
        basic("ada", ""),
        basic("nobody", PASSWORD),
        basic("", ""),
        basic("a\0da", PASSWORD),
        basic("ada", "x" * 5000),
        basic("ada\u00e9" * 100, PASSWORD),
        [("Authorization", "Basic !!!")],
        [("Authorization", "Basic " + b64encode(b"ada").decode())],
        [("Authorization", "Basic " + b64encode(b"\xff:\xff").decode())],
    ],
)
def test_a_failed_sign_in_is_a_plain_401(world: World, headers: list[tuple[str, str]]) -> None:
    """Without `fault`: stock clients would refresh a token they do not have."""
    response = world.http.send("POST", "/clients/v2", headers=headers, json={"clientName": "a"})
    world.require_refused(response, 401)


def test_a_bearer_token_opens_no_clients(world: World) -> None:
    world.require_refused(world.send("GET", "/clients/v2"), 401)


# --- tokens ---


def test_a_password_gets_tokens_that_expire(world: World) -> None:
    tokens = by_password(world, make_client(world))
    require_in(world, tokens["access_token"])
    world.clock.advance(seconds=14_399)
    require_in(world, tokens["access_token"])
    world.clock.advance(seconds=1)
    require_out(world, tokens["access_token"])


def test_a_client_serves_every_user_of_its_tenant(world: World) -> None:
    client = make_client(world)
    require_in(world, by_password(world, client, "bob")["access_token"], "bob")
    require_refusal(ask(world, client, grant_type="password", username="eve", password=PASSWORD), "invalid_grant")


def test_the_client_may_stand_in_the_body(world: World) -> None:
    key, secret = make_client(world)
    form = {
        "grant_type": "password",
        "username": "ada",
        "password": PASSWORD,
        "client_id": key,
        "client_secret": secret,
    }
    response = world.http.send("POST", "/token", data=form)
    require_in(world, response.json()["access_token"])


def test_a_refresh_token_is_used_up(world: World) -> None:
    client = make_client(world)
    first = by_password(world, client)
    second = granted(world, client, grant_type="refresh_token", refresh_token=first["refresh_token"])
    require_in(world, second["access_token"])
    again = ask(world, client, grant_type="refresh_token", refresh_token=first["refresh_token"])
    require_refusal(again, "invalid_grant")
    third = granted(world, client, grant_type="refresh_token", refresh_token=second["refresh_token"])
    require_in(world, third["access_token"])


def test_a_refresh_token_is_its_clients_own(world: World) -> None:
    tokens = by_password(world, make_client(world))
    other = make_client(world, "other")
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    require_refusal(ask(world, other, **form), "invalid_grant")


def test_a_refresh_token_expires_and_is_no_access_token(world: World) -> None:
    client = make_client(world)
    tokens = by_password(world, client)
    require_out(world, tokens["refresh_token"])
    access = {"grant_type": "refresh_token", "refresh_token": tokens["access_token"]}
    require_refusal(ask(world, client, **access), "invalid_grant")
    world.clock.advance(days=30)
    require_refusal(
        ask(world, client, grant_type="refresh_token", refresh_token=tokens["refresh_token"]), "invalid_grant"
    )


def test_a_client_gets_a_token_of_its_own_user(world: World) -> None:
    tokens = granted(world, make_client(world, user="bob"), grant_type="client_credentials")
    require_in(world, tokens["access_token"], "bob")
    assert "refresh_token" not in tokens


def test_an_administrator_gets_tokens_for_others(world: World) -> None:
    client = make_client(world)
    form = {"grant_type": "admin_password", "password": PASSWORD, "token_username": "bob"}
    require_in(world, granted(world, client, username="adm", **form)["access_token"], "bob")
    for user, other in (("ada", "bob"), ("pri", "bob"), ("adm", "eve"), ("adm", "")):
        response = ask(world, client, username=user, **{**form, "token_username": other})
        require_refusal(response, "invalid_grant")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, "unsupported_grant_type"),
        ({"grant_type": "password"}, "invalid_request"),
        ({"grant_type": "password", "username": "ada"}, "invalid_request"),
        ({"grant_type": "password", "username": "ada", "password": "wrong"}, "invalid_grant"),
        ({"grant_type": "password", "username": "nobody", "password": PASSWORD}, "invalid_grant"),
        ({"grant_type": "refresh_token"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "\u00e9\0" * 100}, "invalid_grant"),
    ],
)
def test_what_is_not_granted_is_said_as_oauth_has_it(world: World, form: dict[str, str], error: str) -> None:
    client = make_client(world)
    if "\0" in form.get("refresh_token", ""):
        error = "invalid_request"
    require_refusal(ask(world, client, **form), error)
    assert world.count("tokens") == len(world.tokens)


def test_an_unknown_client_gets_nothing(world: World) -> None:
    key, secret = make_client(world)
    form = {"grant_type": "password", "username": "ada", "password": PASSWORD}
    for client in ((key, "wrong"), ("wrong", secret), ("", ""), ("\u00e9\0", secret), (key.upper(), secret)):
        require_refusal(ask(world, client, **form), "invalid_client", 401)
    require_refusal(world.http.send("POST", "/token", data=form), "invalid_client", 401)
    require_refusal(world.http.send("POST", "/token", content=b"{", kind="application/json"), "invalid_request")


def test_deleting_a_client_ends_its_tokens(world: World) -> None:
    client, other = make_client(world), make_client(world, "other")
    mine, kept = by_password(world, client), by_password(world, other)
    result_of(sign_in(world, "DELETE", "/clients/v2/notebook"))
    require_out(world, mine["access_token"])
    require_refusal(ask(world, client, grant_type="client_credentials"), "invalid_client", 401)
    require_in(world, kept["access_token"])


def test_tokens_can_be_revoked_by_their_client(world: World) -> None:
    client, other = make_client(world), make_client(world, "other")

    def revoke(who: tuple[str, str], token: str) -> None:
        response = world.http.send("POST", "/revoke", headers=basic(*who), data={"token": token})
        assert (response.status_code, response.json()) == (200, {})

    first, second = by_password(world, client), by_password(world, client)
    revoke(other, first["access_token"])
    revoke(client, "unknown")
    require_in(world, first["access_token"])
    revoke(client, first["access_token"])
    require_out(world, first["access_token"])
    require_in(world, second["access_token"])
    revoke(client, first["refresh_token"])  # takes along all that ada has from this client
    require_out(world, second["access_token"])
    require_refusal(
        ask(world, client, grant_type="refresh_token", refresh_token=second["refresh_token"]), "invalid_grant"
    )
    require_refusal(world.http.send("POST", "/revoke", data={"token": "a"}), "invalid_client", 401)


def test_nothing_secret_is_stored_or_written(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    client = make_client(world)
    tokens = by_password(world, client)
    secrets = [client[1], tokens["access_token"], tokens["refresh_token"], PASSWORD]
    ask(world, (client[0], "wrong" + client[1]), grant_type="password", username="ada", password=PASSWORD)
    everything = json.dumps(world.everything(), default=str) + repr(world.events) + "".join(capsys.readouterr())
    assert [secret for secret in secrets if secret in everything] == []


# --- passwords and users ---


def test_guessing_is_slowed_down_by_user_and_by_address(world: World) -> None:
    for _ in range(5):
        assert sign_in(world, "GET", "/clients/v2", password="guess").status_code == 401
    world.require_refused(sign_in(world, "GET", "/clients/v2"), 429, "wait")
    form = {"grant_type": "password", "username": "ada", "password": PASSWORD}
    client = make_client(world, user="bob")
    require_refusal(ask(world, client, **form), "invalid_request", 429)
    world.clock.advance(minutes=5)
    result_of(sign_in(world, "GET", "/clients/v2"))


def test_those_behind_a_proxy_are_told_apart_if_it_is_trusted(make_world: MakeWorld) -> None:
    """The last address is the proxy's word, those before it are the caller's."""
    for trusted, status in ((("127.0.0.1",), 200), (("10.0.0.1",), 429)):
        world = make_world(default_tenant="DEV", trusted_proxies=trusted)
        for number in range(5):
            headers = [*basic("ada", "guess"), ("X-Forwarded-For", f"192.0.2.{number}, 198.51.100.1")]
            assert world.http.send("GET", "/clients/v2", headers=headers).status_code == 401
        for address, expected in (("198.51.100.1", 429), ("198.51.100.2", status)):
            headers = [*basic("ada", PASSWORD), ("X-Forwarded-For", f"192.0.2.9, {address}")]
            assert world.http.send("GET", "/clients/v2", headers=headers).status_code == expected


def test_a_sign_in_forgives_a_persons_slips(world: World) -> None:
    for _ in range(3):
        for _ in range(4):
            assert sign_in(world, "GET", "/clients/v2", password="guess").status_code == 401
        result_of(sign_in(world, "GET", "/clients/v2"))


def test_a_new_password_ends_what_the_old_one_got(world: World) -> None:
    users = Users(world.store, world.clock)
    ada = User("DEV", "ada", frozenset({Role.USER}))
    client = make_client(world)
    tokens = by_password(world, client)
    users.add(ada, PASSWORD)
    require_in(world, tokens["access_token"])  # the same password
    users.add(ada, "another")
    require_out(world, tokens["access_token"])
    require_refusal(
        ask(world, client, grant_type="refresh_token", refresh_token=tokens["refresh_token"]), "invalid_grant"
    )
    require_in(world, world.tokens["ada"])  # an administrator's
    assert sign_in(world, "GET", "/clients/v2").status_code == 401


def test_revoking_a_user_ends_all_that_stands_for_them(world: World) -> None:
    client, other = make_client(world), make_client(world, user="bob")
    tokens, kept = by_password(world, client), by_password(world, other, "bob")
    Users(world.store, world.clock).revoke("DEV", "ada")
    require_out(world, tokens["access_token"])
    require_out(world, world.tokens["ada"])
    require_refusal(ask(world, client, grant_type="client_credentials"), "invalid_client", 401)
    require_in(world, kept["access_token"], "bob")
    require_in(world, world.tokens["ada@OTHER"])
    result_of(sign_in(world, "GET", "/clients/v2"))  # the password stays


def test_a_removed_user_is_out(world: World) -> None:
    users = Users(world.store, world.clock)
    users.remove("DEV", "ada")
    require_out(world, world.tokens["ada"])
    assert sign_in(world, "GET", "/clients/v2").status_code == 401
    assert [user.name for user in users.list("DEV")] == ["adm", "bob", "lim", "pri"]
    assert world.send("GET", "/profiles/v2/ada", "bob").status_code == 404
    users.add(User("DEV", "ada", frozenset({Role.USER})), "again")
    result_of(sign_in(world, "GET", "/clients/v2", password="again"))


# --- profiles and tenants ---


def test_profiles_are_shown_within_the_tenant(world: World) -> None:
    profile = {"email": "cy@example.org", "first_name": "Cy", "last_name": "Rus", "phone": "1", "mobile_phone": "2"}
    Users(world.store, world.clock).add(User("DEV", "cy", frozenset({Role.USER}), 834517, None, profile), PASSWORD)
    expected = {
        "username": "cy",
        "full_name": "Cy Rus",
        "status": "",
        "uid": 834517,
        **profile,
    }
    for path in ("/profiles/v2/cy", "/v3/oauth2/profiles/cy", "/profiles/v2/cy/"):
        assert world.get(path) == expected
    assert world.send("GET", "/profiles/v2/cy", "eve@OTHER").status_code == 404
    assert world.get("/v3/oauth2/userinfo", "bob")["username"] == "bob"
    assert world.get("/profiles/v2/me", "bob") == {
        "username": "bob",
        "email": "",
        "first_name": "",
        "last_name": "",
        "full_name": "bob",
        "phone": "",
        "mobile_phone": "",
        "status": "",
        "uid": None,
    }
    assert world.http.send("GET", "/profiles/v2/me?x-nonce=a").status_code == 400


def test_tenants_are_listed_for_everyone(world: World) -> None:
    dev, other = result_of(world.http.send("GET", "/tenants"))
    assert {key: dev[key] for key in ("id", "name", "code", "baseUrl", "contact")} == {
        "id": "DEV",
        "name": "DEV",
        "code": "DEV",
        "baseUrl": "https://abaco.test",
        "contact": [],
    }
    assert other["baseUrl"] == "https://other.test"
    assert other["_links"]["self"]["href"] == "https://other.test/tenants/OTHER"
    assert result_of(world.http.send("GET", "/tenants/other")) == other
    assert world.http.send("GET", "/tenants/nowhere").status_code == 404


def test_the_host_says_which_tenant_signs_in(world: World) -> None:
    hosts = {"other.test": "OTHER", "OTHER.test:443": "OTHER", "other.test:8443": "DEV", "elsewhere": "DEV", "[": "DEV"}
    for number, (host, tenant) in enumerate(hosts.items()):
        headers = [*basic("ada", PASSWORD), ("Host", host)]
        result_of(world.http.send("POST", "/clients/v2", headers=headers, json={"clientName": f"number {number}"}))
        made = world.everything()["clients"][-1]
        assert made[1] == tenant, host
