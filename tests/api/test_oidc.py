"""Tokens of an OIDC provider, whose keys a real server publishes."""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from abaco.domain.user import Role, User
from abaco.errors import InvalidInput
from abaco.oidc.keys import HttpKeySource
from abaco.ports import ProviderError
from abaco.services.users import Users
from abaco.settings import read_settings

from .asgi import result_of
from .conftest import MakeWorld
from .world import START, World

NOW = int(START.timestamp())
PATIENCE = 60


@cache
def rsa(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"})


@cache
def elliptic(kid: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid})


@dataclass
class Provider:
    """What it publishes, and how often it was asked."""

    url: str = ""
    keys: list[Any] = field(default_factory=list)
    issuer: str = ""
    status: int = 200
    asked: list[str] = field(default_factory=list)
    hangs: Event = field(default_factory=Event)
    go_on: Event = field(default_factory=Event)
    body: bytes | None = None

    def answer(self, path: str) -> bytes:
        self.asked.append(path)
        if self.hangs.is_set():
            self.go_on.wait(PATIENCE)
        if path == "/.well-known/openid-configuration":
            return json.dumps({"issuer": self.issuer or self.url, "jwks_uri": f"{self.url}/keys"}).encode()
        published = [key if isinstance(key, dict) else key.as_dict(private=False) for key in self.keys]
        return self.body or json.dumps({"keys": published}).encode()


@pytest.fixture
def provider() -> Iterator[Provider]:
    provider = Provider(keys=[rsa("one")])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = provider.answer(self.path)
            self.send_response(provider.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    provider.url = f"http://127.0.0.1:{server.server_port}"
    yield provider
    provider.go_on.set()
    server.shutdown()
    thread.join(PATIENCE)
    server.server_close()


@pytest.fixture
def open_world(make_world: MakeWorld, provider: Provider) -> Callable[..., World]:
    def opened(**settings: Any) -> World:
        return make_world(default_tenant="DEV", oidc_issuer=provider.url, oidc_audience="abaco", **settings)

    return opened


@pytest.fixture
def world(open_world: Callable[..., World]) -> World:
    return open_world()


def token(provider: Provider, key: Any = None, alg: str = "RS256", kid: str | None = "one", **claims: Any) -> str:
    said = {"iss": provider.url, "aud": "abaco", "exp": NOW + 60, "sub": "1", "preferred_username": "jdoe", **claims}
    header = {"alg": alg} if kid is None else {"alg": alg, "kid": kid}
    chosen = {name: value for name, value in said.items() if value is not ...}
    return jwt.encode(header, chosen, key or rsa("one"), algorithms=[alg])


def send(world: World, text: str, path: str = "/profiles/v2/me", **request: Any) -> httpx.Response:
    return world.http.send("GET", path, token=text, **request)


def get_in(world: World, text: str) -> Any:
    """Once the keys are there: they are fetched when the server starts, and meanwhile it says 503."""
    return result_of(answer(world, text))["username"]


def answer(world: World, text: str) -> httpx.Response:
    for _ in range(10_000):
        response = send(world, text)
        if response.status_code != 503:
            break
    return response


def require_out(world: World, text: str, status: int = 401) -> None:
    response = send(world, text)
    assert response.status_code == status, response.text
    assert text[-20:] not in response.text


def test_the_providers_word_is_taken(world: World, provider: Provider) -> None:
    assert get_in(world, token(provider)) == "jdoe"
    assert get_in(world, token(provider, kid=None)) == "jdoe"
    assert get_in(world, token(provider, aud=["other", "abaco"])) == "jdoe"
    assert provider.asked == ["/.well-known/openid-configuration", "/keys"]


def test_a_users_own_tokens_go_on(world: World) -> None:
    assert get_in(world, world.tokens["ada"]) == "ada"


def test_every_usual_algorithm_will_do(open_world: Callable[..., World], provider: Provider) -> None:
    provider.keys = [elliptic("curve"), rsa("one")]
    world = open_world()
    assert get_in(world, token(provider, elliptic("curve"), "ES256", "curve")) == "jdoe"


def test_what_others_signed_is_refused(world: World, provider: Provider) -> None:
    get_in(world, token(provider))
    public = OctKey.import_key(b64encode(rsa("one").as_pem(private=False)))
    none = token(provider).split(".")
    require_out(world, token(provider, rsa("two")))
    require_out(world, token(provider, public, "HS256"))
    require_out(world, token(provider, elliptic("curve"), "ES256"))
    require_out(world, f"eyJhbGciOiJub25lIn0.{none[1]}.")
    require_out(world, "a.b.c")
    require_out(world, "..")
    require_out(world, token(provider)[:-8] + "AAAAAAAA")


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example"},
        {"iss": ...},
        {"aud": "other"},
        {"aud": ["other"]},
        {"aud": ...},
        {"exp": NOW},
        {"exp": ...},
        {"exp": str(NOW + 60)},
        {"exp": True},
        {"nbf": NOW + 1},
        {"preferred_username": ...},
        {"preferred_username": ""},
        {"preferred_username": "a b"},
        {"preferred_username": ["jdoe"]},
        {"preferred_username": "ABACO_WORLD"},
    ],
)
def test_a_token_for_others_or_for_nobody_is_refused(world: World, provider: Provider, claims: dict[str, Any]) -> None:
    get_in(world, token(provider))
    require_out(world, token(provider, **claims))


def test_an_address_that_nobody_checked_names_nobody(open_world: Callable[..., World], provider: Provider) -> None:
    world = open_world(oidc_username_claim="email")
    assert get_in(world, token(provider, email="ada@example.org")) == "ada@example.org"
    require_out(world, token(provider, email="ada@example.org", email_verified=False))


@pytest.mark.parametrize(
    ("user", "roles", "is_admin"),
    [
        ("jdoe", ["abaco-admin", "x"], True),
        ("jdoe", "offline abaco_admin", True),
        ("jdoe", ["Internal/abaco-admin"], True),
        ("jdoe", ["admin"], False),
        ("jdoe", 5, False),
        ("jdoe", ..., False),
        ("adm", ..., True),
        ("adm", ["other"], True),
        ("adm", ["abaco-user"], False),
    ],
)
def test_roles_are_the_providers_or_else_ours(
    open_world: Callable[..., World], provider: Provider, user: str, roles: Any, is_admin: bool
) -> None:
    world = open_world(oidc_roles_claim="realm_access.roles")
    actor = world.actor()
    text = token(provider, preferred_username=user, realm_access={"roles": roles} if roles is not ... else "none")
    assert get_in(world, text) == user
    assert send(world, text, actor).status_code == (200 if is_admin else 400)


def test_its_users_belong_to_one_tenant(open_world: Callable[..., World], provider: Provider) -> None:
    world = open_world(oidc_tenant="other")
    get_in(world, token(provider))
    assert send(world, token(provider), "/profiles/v2/bob").status_code == 404
    assert send(world, token(provider), "/profiles/v2/eve").status_code == 200


def test_a_user_removed_here_is_out(world: World, provider: Provider) -> None:
    text = token(provider, preferred_username="bob")
    assert get_in(world, text) == "bob"
    Users(world.store, world.clock).remove("DEV", "bob")
    require_out(world, text)
    Users(world.store, world.clock).add(User("DEV", "bob", frozenset({Role.USER})), "again")
    assert get_in(world, text) == "bob"


def test_new_keys_are_fetched_and_strangers_ids_are_not_asked_for(world: World, provider: Provider) -> None:
    get_in(world, token(provider))
    provider.keys = [rsa("two")]
    require_out(world, token(provider, rsa("two"), kid="two"))  # asked a moment ago
    world.clock.advance(seconds=30)
    text = token(provider, rsa("two"), kid="two")
    assert get_in(world, text) == "jdoe"
    asked = len(provider.asked)
    for number in range(20):
        require_out(world, token(provider, rsa("two"), kid=f"made up {number}"))
    assert len(provider.asked) == asked
    require_out(world, token(provider))  # no longer published


def test_keys_outlive_a_provider_that_is_down(world: World, provider: Provider) -> None:
    def text() -> str:
        return token(provider, exp=NOW + 10**6)

    get_in(world, text())
    provider.status = 500
    world.clock.advance(hours=2)
    assert get_in(world, text()) == "jdoe"
    world.clock.advance(hours=23)
    require_out(world, text(), 503)
    provider.status = 200
    world.clock.advance(seconds=30)
    assert get_in(world, text()) == "jdoe"


def test_a_provider_that_hangs_holds_one_thread(world: World, provider: Provider) -> None:
    text = token(provider, exp=NOW + 10**6)
    get_in(world, text)
    provider.hangs.set()
    world.clock.advance(hours=2)
    calls = [
        {"method": "GET", "path": "/profiles/v2/me", "token": text},
        *({"method": "GET", "path": "/actors", "token": world.tokens["ada"]} for _ in range(50)),
        *({"method": "GET", "path": "/actors", "token": token(provider, kid=str(n))} for n in range(50)),
    ]
    done = Event()

    def ask() -> list[httpx.Response]:
        answers = world.http.send_together(calls[1:], lambda: None)
        done.set()
        return answers

    slow = Thread(target=send, args=(world, text))
    slow.start()
    while len(provider.asked) < 3:  # until it is asked
        assert slow.is_alive()
    answers = ask()
    assert done.is_set()
    assert [answer.status_code for answer in answers] == [200] * 50 + [503] * 50
    assert get_in(world, text) == "jdoe"
    assert slow.is_alive()
    provider.go_on.set()
    slow.join(PATIENCE)
    assert not slow.is_alive()


def test_a_provider_that_hangs_holds_up_no_messages(world: World, provider: Provider) -> None:
    get_in(world, token(provider))
    actor = world.actor()
    provider.hangs.set()
    world.clock.advance(seconds=30)
    asked = len(provider.asked)
    stranger = {"path": f"{actor}/messages", "token": token(provider, kid="unknown"), "json": {"message": "hi"}}
    slow = Thread(target=world.http.send, args=("POST",), kwargs=stranger)
    slow.start()
    while len(provider.asked) == asked:
        assert slow.is_alive()
    world.message(actor)
    assert slow.is_alive()
    provider.go_on.set()
    slow.join(PATIENCE)
    assert not slow.is_alive()
    assert world.count("messages") == 1


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"keys": 5}', b'{"keys": [5, {"kty": "RSA"}, {"kty": "oct", "k": "YQ"}]}', b"[" * 10_000],
)
def test_keys_that_cannot_be_read_are_none(open_world: Callable[..., World], provider: Provider, body: bytes) -> None:
    provider.body = body or b" "
    world = open_world()
    if b'"kty"' in body:
        answer(world, token(provider))
    require_out(world, token(provider), 401 if b'"kty"' in body else 503)


def test_weak_keys_are_none(world: World, provider: Provider) -> None:
    get_in(world, token(provider))
    weak = {**rsa("one").as_dict(private=False), "kid": "weak", "n": "x" * 171}
    provider.keys = [weak]
    world.clock.advance(seconds=30)
    require_out(world, token(provider, kid="weak"))


def test_the_configuration_must_be_the_issuers(provider: Provider) -> None:
    source = HttpKeySource(provider.url, None)
    assert json.loads(source.fetch())["keys"]
    provider.issuer = "https://evil.example"
    with pytest.raises(ProviderError, match="another issuer"):
        source.fetch()
    assert json.loads(HttpKeySource("https://other.example", f"{provider.url}/keys").fetch())["keys"]


def test_a_provider_that_is_not_there_is_told_so(provider: Provider) -> None:
    provider.status = 302
    with pytest.raises(ProviderError, match="302"):
        HttpKeySource(provider.url, None).fetch()
    provider.status, provider.body = 200, b"x" * 2_000_000
    with pytest.raises(ProviderError, match="too much"):
        HttpKeySource(provider.url, f"{provider.url}/keys").fetch()
    for url in ("http://127.0.0.1:1/keys", "http://[/"):
        with pytest.raises(ProviderError, match="reached"):
            HttpKeySource(provider.url, url).fetch()


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"oidc_issuer": "https://a.example"}, "oidc_audience"),
        ({"oidc_issuer": "http://a.example", "oidc_audience": "a"}, "https"),
        ({"oidc_issuer": "a.example", "oidc_audience": "a"}, "https"),
        ({"oidc_issuer": "https://a.example", "oidc_audience": "a", "oidc_jwks_url": "http://a.example"}, "https"),
    ],
)
def test_settings_that_would_let_anybody_in_are_refused(settings: dict[str, str], problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        read_settings({"data": "/nowhere", **settings}, {})
