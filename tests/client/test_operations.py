"""The operations of the old clients: what they send, and what they return."""

import copy
import io
import json
import logging
import pickle
from typing import Any

import httpx
import pytest

from abaco import Abaco
from abaco.client import Actor, Raw, Reply
from abaco.errors import InternalError, InvalidInput, NotAuthenticated, NotFound, NotPermitted

from .fake_server import TOKEN, URL, FakeServer

DROPPED = httpx.RemoteProtocolError("Server disconnected without sending a response.")


class Recorder:
    """Answers everything with `answer`, and keeps what was asked."""

    def __init__(self, result: Any = None, **response: Any) -> None:
        self.response = response or {"json": {"status": "success", "result": result}}
        self.requests: list[httpx.Request] = []
        self.failures: list[Exception] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        if self.failures:
            raise self.failures.pop(0)
        return httpx.Response(200, **self.response)

    def client(self, **arguments: Any) -> Abaco:
        return Abaco(URL, **({"token": TOKEN} | arguments), transport=httpx.MockTransport(self))

    @property
    def line(self) -> str:
        return f"{self.requests[-1].method} {self.requests[-1].url.raw_path.decode()}"

    @property
    def sent(self) -> Any:
        return json.loads(self.requests[-1].content)


def test_both_ways_of_calling_live_together(ab: Abaco, server: FakeServer) -> None:
    new, old = ab.actors.add("i", name="n"), ab.actors.add(body={"image": "i", "name": "n"})
    assert isinstance(new, Actor)
    assert isinstance(old, Reply)
    assert new.raw == old
    assert ab.actors.get(actorId=old.id).name == old["name"] == new.name
    assert ab.actors.update(actorId=old.id, body={"image": "j"}).image == "j"
    assert ab.actors.update(new.id, "j").image == "j"
    assert [each.id for each in ab.actors.list()] == [each["id"] for each in ab.actors.list()]
    assert ab.actors.delete(actorId=old.id) is None
    with pytest.raises(NotFound):
        ab.actors.get(actorId=old.id)


def test_records_are_read_by_the_old_names_too(ab: Abaco, server: FakeServer) -> None:
    server.add_actor("a", maxWorkers=3)
    (actor,) = ab.actors.list()
    assert actor["maxWorkers"] == actor.get("maxWorkers") == actor.max_workers == 3
    assert getattr(actor, "maxWorkers") == 3  # noqa: B009 - as old programs write it; a type checker refuses the name
    assert actor["_links"]["self"].endswith("/a")
    assert "maxWorkers" in actor
    assert "nothing" not in actor
    assert dict(actor) == actor.raw
    assert set(actor) == set(server.actors["a"])
    assert not hasattr(actor, "nothing")
    with pytest.raises(KeyError):
        actor["nothing"]


def test_replies_are_dictionaries_with_attributes() -> None:
    execution = {"id": "e", "finalState": {"OOMKilled": False}, "list": [{"a": 1}], "items": 3}
    reply = Recorder(execution).client().actors.getExecution(actorId="a", executionId="e")
    assert reply == execution
    assert json.loads(json.dumps(reply)) == execution
    assert reply.finalState.OOMKilled is False
    assert reply["list"][0].a == 1
    assert reply["items"] == 3
    reply.note = "mine"
    assert reply["note"] == "mine"
    with pytest.raises(AttributeError, match="no 'exitcode', it has id, finalState"):
        _ = reply.exitcode


def test_answers_can_be_copied_and_stored(ab: Abaco, server: FakeServer) -> None:
    server.add_actor("a", maxWorkers=3)
    for answer in (ab.actors.get("a"), ab.actors.get(actorId="a")):
        for again in (copy.copy(answer), copy.deepcopy(answer), pickle.loads(pickle.dumps(answer))):
            assert again == answer
            assert type(again) is type(answer)
            assert again["maxWorkers"] == 3


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda ab: ab.actors.getState(actorId="a"), "GET /actors/v2/a/state"),
        (lambda ab: ab.actors.explainExecution(actorId="a", executionId="e"), "GET /actors/v2/a/executions/e/explain"),
        (lambda ab: ab.actors.getAliasNonce(alias="x.y", nonceId="N_1"), "GET /actors/v2/aliases/x.y/nonces/N_1"),
        (lambda ab: ab.actors.updateConfig(configName="c", body={}), "PUT /actors/v2/configs/c"),
        (lambda ab: ab.actors.adminListWorkers(), "GET /actors/v2/admin/workers"),
        (lambda ab: ab.actors.get(actorId="a/../b"), "GET /actors/v2/a%2F..%2Fb"),
        (lambda ab: ab.profiles.get(), "GET /profiles/v2/me"),
        (lambda ab: ab.profiles.listByUsername(username="bob"), "GET /profiles/v2/bob"),
        (lambda ab: ab.profiles.getUserinfo(), "GET /v3/oauth2/userinfo"),
        (lambda ab: ab.tenants.getTenant(tenantId="LAB"), "GET /tenants/LAB"),
        (
            lambda ab: ab.actors.listExecutions(actorId="a", limit=2, offset=4),
            "GET /actors/v2/a/executions?limit=2&offset=4",
        ),
        (
            lambda ab: ab.actors.getSearch(collection="actors", search={"image.like": "w", "limit": 1}),
            "GET /actors/v2/search/actors?image.like=w&limit=1",
        ),
        (lambda ab: ab.actors.list(search="words"), "GET /actors/v2?search=words"),
        (lambda ab: ab.actors.getState(actorId="a", query={"pretty": "true"}), "GET /actors/v2/a/state?pretty=true"),
    ],
)
def test_paths_and_queries(call: Any, line: str) -> None:
    recorder = Recorder({"anything": 1})
    call(recorder.client())
    assert recorder.line == line


def test_bodies() -> None:
    recorder = Recorder({"executionId": "e"})
    ab = recorder.client()
    ab.actors.sendMessage(actorId="a", body={"message": "hi"}, environment={"K": 1, "L": "v w"})
    assert recorder.line == "POST /actors/v2/a/messages?K=1&L=v+w"
    assert recorder.sent == {"message": "hi"}
    ab.actors.sendMessage(actorId="a", body='{"a": "text that is JSON"}')
    assert recorder.sent == {"a": "text that is JSON"}
    for value in (None, [1], 0, {"message": {"deep": 1}, "other": 2}, {"binary": "text"}):
        ab.actors.sendMessage(actorId="a", body=value)
        assert recorder.sent == value
        assert recorder.requests[-1].headers["Content-Type"] == "application/json"
    with pytest.raises(InvalidInput, match="cannot be set as a variable"):
        ab.actors.sendMessage(actorId="a", body=1, environment={"_abaco_synchronous": "true"})


def test_binary_bodies() -> None:
    recorder = Recorder({"executionId": "e"})
    ab = recorder.client()
    for body in (b"\xff\xd8", bytearray(b"\xff\xd8"), io.BytesIO(b"\xff\xd8"), {"binary": b"\xff\xd8"}):
        ab.actors.sendMessage(actorId="a", body=body, headers={"content-type": "application/octet-stream"})
        assert recorder.requests[-1].content == b"\xff\xd8"
        assert recorder.requests[-1].headers.get_list("Content-Type") == ["application/octet-stream"]
    ab.actors.sendBinaryMessage(actorId="a", message=b"\xff", environment={"K": "v"})
    assert recorder.requests[-1].headers["Content-Type"] == "application/octet-stream"
    assert recorder.requests[-1].headers["Content-Length"] == "1"
    assert recorder.line == "POST /actors/v2/a/messages?K=v"


def test_a_body_may_be_left_out_where_nothing_is_required() -> None:
    recorder = Recorder({"id": "N_1"})
    assert recorder.client().actors.addNonce(actorId="a").id == "N_1"
    assert recorder.requests[-1].content == b""
    with pytest.raises(TypeError, match="body"):
        recorder.client().actors.addAlias()  # type: ignore[call-arg]


def test_a_result_is_bytes_and_is_not_asked_for_twice() -> None:
    recorder = Recorder(content=b"\x80\x04", headers={"Content-Type": "application/octet-stream"})
    ab = recorder.client()
    result = ab.actors.getOneExecutionResult(actorId="a", executionId="e")
    assert result == result.content == b"\x80\x04"
    assert isinstance(result, Raw)
    assert result.ok
    recorder.failures = [DROPPED]
    with pytest.raises(Exception, match="did not answer"):
        ab.actors.getOneExecutionResult(actorId="a", executionId="e")
    assert len(recorder.requests) == 2


def test_reading_is_repeated_after_network_trouble_and_writing_is_not(ab: Abaco, server: FakeServer) -> None:
    server.failures = [DROPPED]
    assert ab.actors.list(limit=1) == []
    server.failures = [DROPPED]
    with pytest.raises(Exception, match="may have been carried out"):
        ab.actors.add(body={"image": "i"})
    assert server.actors == {}


def test_a_nonce_of_one_call_takes_the_place_of_the_token(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    recorder = Recorder({"id": "a"})
    ab = recorder.client()
    ab.actors.get(actorId="a", nonce="s3cret")
    assert recorder.line == "GET /actors/v2/a?x-nonce=s3cret"
    assert "Authorization" not in recorder.requests[-1].headers
    ab.actors.deleteNonce(actorId="a", nonceId="DEV_s3cret")
    assert recorder.line == "DELETE /actors/v2/a/nonces/DEV_s3cret"
    assert "DELETE http://abaco.test:8000/actors/v2/a/nonces/..." in caplog.text
    assert "s3cret" not in caplog.text


def test_oauth_clients_are_shown_name_and_password() -> None:
    recorder = Recorder([{"name": "c"}])
    ab = recorder.client(token=None, username="ada", password="pw")
    assert [each.name for each in ab.clients.list()] == ["c"]
    assert recorder.requests[-1].headers["Authorization"] == "Basic YWRhOnB3"
    with pytest.raises(NotAuthenticated, match="username= and password="):
        recorder.client().clients.list()
    assert len(recorder.requests) == 1


def test_tokens_have_no_envelope() -> None:
    recorder = Recorder(json={"access_token": "t", "expires_in": 14400})
    body = {"grant_type": "refresh_token", "refresh_token": "r", "client_id": "k", "client_secret": "s"}
    assert recorder.client().tokens.createToken(body=body).access_token == "t"
    assert recorder.sent == body
    assert "Authorization" not in recorder.requests[-1].headers
    refusal = httpx.Response(
        400,
        json={"error": "invalid_grant", "error_description": "used already"},
        headers={"X-Abaco-Error-Code": "not_permitted"},
    )
    ab = Abaco(URL, TOKEN, transport=httpx.MockTransport(lambda _: refusal))
    with pytest.raises(NotPermitted, match=r"^used already$"):
        ab.tokens.createToken(body=body)


def test_arguments_that_do_not_exist() -> None:
    recorder = Recorder({})
    actors = recorder.client().actors
    calls: list[Any] = [
        lambda: actors.getState(actor_id="a"),  # type: ignore[call-arg]
        lambda: actors.getState(actorId="a", limt=3),  # type: ignore[call-arg]
        lambda: actors.update(actorId="a", body={}, force=True),  # type: ignore[call-overload]
        lambda: actors.update("a"),  # type: ignore[call-overload]
        actors.get,
    ]
    for call in calls:
        with pytest.raises(TypeError, match=r"actorId|limt|force"):
            call()
    assert recorder.requests == []


def test_answers_of_another_shape() -> None:
    for result in (None, 3, "text"):
        actors = Recorder(result).client().actors
        with pytest.raises(InternalError, match="is no object"):
            actors.getState(actorId="a")
        with pytest.raises(InternalError, match="is no list"):
            actors.listAliases()
    with pytest.raises(InternalError, match="not as Abaco does"):
        Recorder(text="hello").client().tokens.createToken(body={})
