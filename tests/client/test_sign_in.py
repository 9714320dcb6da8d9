"""Tokens got by password, tokens renewed, nonces; and none of them where it can be read."""

import io
import logging
import threading
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from time import time
from typing import Any

import httpx
import pytest
from rich.pretty import pretty_repr

from abaco.client import Abaco
from abaco.client.agave import Session
from abaco.client.configuration import Identity
from abaco.client.credentials import Credentials
from abaco.client.sign_in import Grant
from abaco.errors import InternalError, InvalidCredentials, InvalidInput, NotAuthenticated

from .fake_server import TOKEN, URL, FakeClock, FakeServer

HOURS_4 = 14_400


class Gate:
    """Stands before a `FakeServer`: gives `tokens` out one after the other, and lets the `good` one in."""

    def __init__(self, server: FakeServer, *tokens: str) -> None:
        self.server, self.tokens, self.good = server, [*tokens], tokens[0]
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v3/oauth2/tokens":
            self.asked.append(request)
            self.good = self.tokens.pop(0)
            grant = {"access_token": {"access_token": self.good, "expires_in": HOURS_4}}
            return httpx.Response(200, json={"result": grant})
        known = request.headers.get("Authorization") == f"Bearer {self.good}"
        request.headers["Authorization"] = f"Bearer {TOKEN if known else 'unknown'}"
        return self.server.answer(request)


def signed_in(gate: Any, clock: FakeClock) -> Abaco:
    return Abaco(URL, username="ada", password="pass word", transport=httpx.MockTransport(gate), clock=clock)


def test_a_password_gets_one_token_for_many_requests(server: FakeServer, clock: FakeClock) -> None:
    gate = Gate(server, "first")
    with signed_in(gate, clock) as ab:
        assert gate.asked == []
        assert ab.actors.list() == ab.actors.list() == []
    (asked,) = gate.asked
    assert httpx.Response(200, content=asked.content).json() == {
        "grant_type": "password",
        "username": "ada",
        "password": "pass word",
    }
    assert "Authorization" not in asked.headers


def test_a_token_near_its_end_is_renewed_beforehand(server: FakeServer, clock: FakeClock) -> None:
    server.add_actor("a")
    gate = Gate(server, "first", "second")
    ab = signed_in(gate, clock)
    ab.actors.list()
    clock.sleep(HOURS_4 - 30)
    ab.messages.send("a", data=io.BytesIO(b"cannot be sent twice"))
    assert len(gate.asked) == 2
    assert server.requests[-1].content == b"cannot be sent twice"


def test_threads_renew_a_token_once(server: FakeServer, clock: FakeClock) -> None:
    """A session's refresh token is good for one use."""
    gate = Gate(server, "first", "second")
    ab = signed_in(gate, clock)
    ab.actors.list()
    clock.sleep(HOURS_4)
    at_once = threading.Barrier(4)

    def ask(_: int) -> list[Any]:
        at_once.wait()
        return list(ab.actors.list())

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(ask, range(4))) == [[]] * 4
    assert len(gate.asked) == 2


def test_a_refused_token_is_renewed_and_the_request_repeated(server: FakeServer, clock: FakeClock) -> None:
    server.add_actor("a")
    gate = Gate(server, "first", "second")
    ab = signed_in(gate, clock)
    ab.actors.list()
    gate.good = "revoked"
    assert ab.messages.send("a", "once more").execution_id == "Exec000000001"
    assert len(gate.asked) == 2


def test_a_renewed_token_that_is_refused_too_is_an_error(server: FakeServer, clock: FakeClock) -> None:
    gate = Gate(server, "first", "second", "third")

    def answer(request: httpx.Request) -> httpx.Response:
        return gate(request) if "oauth2" in request.url.path else httpx.Response(401, json={"message": "no"})

    ab = signed_in(answer, clock)
    with pytest.raises(InvalidCredentials, match=r"^no$"):
        ab.actors.list()
    assert len(gate.asked) == 2


def test_a_streamed_body_is_not_sent_in_halves(server: FakeServer, clock: FakeClock) -> None:
    server.add_actor("a")
    gate = Gate(server, "first", "second")
    ab = signed_in(gate, clock)
    ab.actors.list()
    gate.good = "revoked"
    with pytest.raises(InvalidCredentials):
        ab.messages.send("a", data=io.BytesIO(b"gone"))
    assert len(gate.asked) == 1


def test_a_wrong_password_has_the_servers_words(clock: FakeClock) -> None:
    answer = httpx.Response(
        401, json={"message": "Wrong name or password."}, headers={"X-Abaco-Error-Code": "not_authenticated"}
    )
    with pytest.raises(NotAuthenticated, match=r"^Wrong name or password\.$"):
        signed_in(lambda _: answer, clock).actors.list()


@pytest.mark.parametrize("result", [[], {}, {"access_token": "text"}, {"access_token": {"access_token": "t"}}])
def test_a_grant_of_another_shape(result: object, clock: FakeClock) -> None:
    with pytest.raises(InternalError, match="gave no token"):
        signed_in(lambda _: httpx.Response(200, json={"result": result}), clock).actors.list()


def test_a_token_alone_is_never_renewed(server: FakeServer) -> None:
    with pytest.raises(InvalidCredentials):
        Abaco(URL, "unknown", transport=server.transport).actors.list()
    assert len(server.requests) == 1


def test_a_nonce_goes_into_the_query() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"result": {"executionId": "e"}})

    ab = Abaco(URL, nonce="LAB_n0nce", transport=httpx.MockTransport(answer))
    ab.messages.send("a", "hi", environment={"K": "v w"})
    assert dict(seen[0].url.params) == {"K": "v w", "x-nonce": "LAB_n0nce"}
    assert seen[0].url.raw_path == b"/actors/v2/a/messages?K=v+w&x-nonce=LAB_n0nce"
    assert "Authorization" not in seen[0].headers


def test_secrets_are_in_no_log_no_error_and_no_repr(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    basic = b64encode(b"ada:s3cret").decode()
    for arguments in ({"token": "s3cret"}, {"nonce": "s3cret"}, {"username": "ada", "password": "s3cret"}):
        foreign = httpx.MockTransport(lambda _: httpx.Response(404, text="no such page"))
        ab = Abaco(URL, transport=foreign, **arguments)  # type: ignore[arg-type]
        with pytest.raises(InternalError) as caught:
            ab.actors.list()
        who = Identity(**arguments)  # type: ignore[arg-type]
        shown = f"{caught.value} {caught.value!r} {ab!r} {vars(ab)!r} {who!r} {pretty_repr(who)} {caplog.text}"
        assert "s3cret" not in shown
        assert basic not in shown
    assert "HTTP Request: GET http://abaco.test:8000/actors/v2" in caplog.text


@pytest.mark.parametrize(
    "secret", [Grant("s3cret", 1), Credentials(URL, "s3cret"), Session([], {"token": "s3cret"}, time)]
)
def test_what_holds_a_secret_does_not_show_it(secret: object) -> None:
    assert "s3cret" not in repr(secret) + str(secret) + pretty_repr(secret)


def test_a_password_in_the_address_is_refused_without_repeating_it() -> None:
    with pytest.raises(InvalidInput, match="username= and password=") as caught:
        Abaco("http://ada:s3cret@abaco.test", "token")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "arguments",
    [
        {"token": "t", "nonce": "n"},
        {"token": "t", "username": "u", "password": "p"},
        {"username": "u", "password": "p", "nonce": "n"},
        {"token": "", "nonce": ""},
    ],
)
def test_several_kinds_of_credentials(arguments: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match="one kind of credentials"):
        Abaco(URL, **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("arguments", [{"username": "u"}, {"password": "p"}, {"username": "", "password": "p"}])
def test_half_a_kind(arguments: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match="belong together"):
        Abaco(URL, **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("nonce", ["", "a b", "n\n"])
def test_nonces_that_are_none(nonce: str) -> None:
    with pytest.raises(InvalidCredentials, match="the nonce is empty"):
        Abaco(URL, nonce=nonce)


def test_a_tenant_alone_asks_without_credentials() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"result": []})

    Abaco(URL, tenant="LAB", transport=httpx.MockTransport(answer)).actors.list()
    assert seen[0].headers["tenant"] == "LAB"
    assert "Authorization" not in seen[0].headers
