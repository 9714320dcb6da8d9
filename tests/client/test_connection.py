import io
import json
from pathlib import Path

import httpx
import pytest

from abaco.client import Abaco
from abaco.errors import InternalError, InvalidCredentials, InvalidInput, NotFound, TooLarge, Unavailable

from .fake_server import TOKEN, URL, FakeClock, FakeServer

REFUSED = httpx.ConnectError("[Errno 111] Connection refused")
DROPPED = httpx.RemoteProtocolError("Server disconnected without sending a response.")


def answering(response: httpx.Response) -> Abaco:
    return Abaco(URL, TOKEN, transport=httpx.MockTransport(lambda _: response))


def test_get_is_repeated_after_connection_errors(ab: Abaco, server: FakeServer, clock: FakeClock) -> None:
    server.failures = [REFUSED, DROPPED]
    assert ab.actors.list() == []
    assert len(server.requests) == 3
    assert clock.slept == [0.1, 0.4]


def test_get_gives_up_naming_the_address(ab: Abaco, server: FakeServer) -> None:
    server.failures = [REFUSED] * 9
    with pytest.raises(Unavailable, match=r"http://abaco.test:8000 did not answer .*check the address"):
        ab.actors.list()
    assert len(server.requests) == 4


def test_a_slow_answer_is_not_asked_for_again(ab: Abaco, server: FakeServer) -> None:
    server.failures = [httpx.ReadTimeout("timed out")]
    with pytest.raises(Unavailable, match="timed out"):
        ab.actors.list()
    assert len(server.requests) == 1


def test_post_is_never_repeated(ab: Abaco, server: FakeServer) -> None:
    server.add_actor("Actor00000001")
    server.failures = [DROPPED]
    with pytest.raises(Unavailable, match="may have been carried out"):
        ab.state.set("Actor00000001", {})
    assert len(server.requests) == 1


def sent(server: FakeServer) -> list[tuple[str, str]]:
    return [(request.method, request.headers.get("Idempotency-Key", "")) for request in server.requests]


def test_a_message_is_sent_again_under_its_key(ab: Abaco, server: FakeServer, clock: FakeClock) -> None:
    server.add_actor("Actor00000001")
    server.failures = [REFUSED, DROPPED, REFUSED, httpx.ReadError("reset")]
    with pytest.raises(Unavailable, match="reset"):
        ab.messages.send("Actor00000001", "hi", idempotency_key="k")
    # After the second, which the server may have got, it is asked whether it knows keys, which did not work either.
    assert sent(server) == [("POST", "k"), ("POST", "k"), ("OPTIONS", ""), ("OPTIONS", "")]
    assert clock.slept == [0.1, 0.4, 1.5]
    server.requests.clear()
    server.failures = [DROPPED]
    ab.messages.send("Actor00000001", "hi", idempotency_key="k")
    assert sent(server) == [("POST", "k"), ("OPTIONS", ""), ("POST", "k")]
    server.requests.clear()
    server.failures = [DROPPED]
    ab.messages.send("Actor00000001", "hi", idempotency_key="k")
    assert sent(server) == [("POST", "k")] * 2


def test_a_server_without_keys_gets_a_message_once(ab: Abaco, server: FakeServer) -> None:
    server.add_actor("Actor00000001")
    server.takes_keys = False
    server.failures = [REFUSED, DROPPED]
    with pytest.raises(Unavailable, match="may have been carried out"):
        ab.messages.send("Actor00000001", "hi")
    assert [method for method, _ in sent(server)] == ["POST", "POST", "OPTIONS"]


def test_a_file_is_not_sent_again(ab: Abaco, server: FakeServer) -> None:
    server.add_actor("Actor00000001")
    server.failures = [DROPPED]
    with pytest.raises(Unavailable):
        ab.messages.send("Actor00000001", data=io.BytesIO(b"data"))
    assert len(server.requests) == 1


def test_every_message_has_a_key_of_its_own(ab: Abaco, server: FakeServer) -> None:
    server.add_actor("Actor00000001")
    ab.messages.send("Actor00000001", "hi")
    ab.messages.send("Actor00000001", data=io.BytesIO(b"data"))
    server.answers = [httpx.Response(200)]
    ab.messages.ask("Actor00000001", "hi")
    ab.messages.send_many("Actor00000001", ["hi"])
    keys = {key for _, key in sent(server)}
    assert len(keys) == 4
    assert "" not in keys


def test_a_pop_that_may_have_arrived_is_not_repeated(ab: Abaco, server: FakeServer) -> None:
    server.failures = [REFUSED, DROPPED]
    with pytest.raises(Unavailable):
        ab.results.pop("a", "e")
    assert len(server.requests) == 2


def test_error_has_the_class_of_its_code_and_the_servers_words() -> None:
    body = {"message": "too much", "status": "error", "version": "1", "result": None}
    with pytest.raises(TooLarge, match=r"^too much$"):
        answering(httpx.Response(400, json=body, headers={"X-Abaco-Error-Code": "too_large"})).actors.list()


def test_gateway_fault_is_invalid_credentials() -> None:
    fault = {"fault": {"code": 900901, "message": "Invalid Credentials", "description": "Invalid Credentials. Hm."}}
    with pytest.raises(InvalidCredentials, match=r"Invalid Credentials\. Hm\."):
        answering(httpx.Response(401, json=fault)).actors.list()


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(200, html="<h1>It works!</h1>"),
        httpx.Response(200, json=[1]),
        httpx.Response(200, json={"message": "hello"}),
        httpx.Response(404, text="no such page"),
        httpx.Response(302, headers={"Location": "https://elsewhere.test"}),
        httpx.Response(200, content=b"\xff\xfe"),
    ],
)
def test_foreign_answers_ask_whether_it_is_an_abaco_server(response: httpx.Response) -> None:
    with pytest.raises(InternalError, match=r"http://abaco.test:8000/actors/v2 answered .*Abaco server\?"):
        answering(response).actors.list()


def test_a_proxy_without_its_server_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="a proxy cannot reach the server"):
        answering(httpx.Response(502, html="Bad Gateway")).actors.list()


def test_a_result_of_another_shape_is_not_an_attribute_error() -> None:
    with pytest.raises(InternalError, match="is no object"):
        answering(httpx.Response(200, json={"result": [1]})).actors.get("x")
    with pytest.raises(InternalError, match="Actor cannot be understood"):
        answering(httpx.Response(200, json={"result": {"id": 3}})).actors.get("x")
    with pytest.raises(InternalError, match="not a list"):
        answering(httpx.Response(200, json={"result": {}})).actors.list()


@pytest.mark.parametrize("address", ["localhost:8000", "", "ftp://x", "http://", "http://[::1", "http://a b:x"])
def test_addresses_that_are_no_urls(address: str) -> None:
    with pytest.raises(InvalidInput, match="not the URL of a server"):
        Abaco(address, TOKEN)


@pytest.mark.parametrize("token", ["", "a b", "tok\n", "t\u00e4"])
def test_tokens_that_no_header_carries_are_not_repeated_in_the_message(token: str) -> None:
    with pytest.raises(InvalidCredentials) as caught:
        Abaco(URL, token)
    assert not token or token not in str(caught.value)


def test_ids_are_quoted_and_never_empty(ab: Abaco, server: FakeServer) -> None:
    with pytest.raises(NotFound):
        ab.actors.get("a/../b?c#d")
    assert server.requests[-1].url.raw_path == b"/actors/v2/a%2F..%2Fb%3Fc%23d"
    with pytest.raises(InvalidInput, match="empty"):
        ab.actors.delete("")
    with pytest.raises(InvalidInput, match="Unicode"):
        ab.actors.get("\udcff")


def test_a_files_length_is_told_and_its_bytes_are_streamed(ab: Abaco, server: FakeServer, tmp_path: Path) -> None:
    server.add_actor("a")
    (tmp_path / "data").write_bytes(bytes(range(256)) * 1024)
    with (tmp_path / "data").open("rb") as file:
        file.seek(256)
        ab.messages.send("a", data=file)
    request = server.requests[-1]
    assert request.content == bytes(range(256)) * 1023
    assert request.headers["Content-Length"] == str(256 * 1023)
    assert "Transfer-Encoding" not in request.headers
    assert request.headers["Content-Type"] == "application/octet-stream"


def test_a_stream_of_unknown_length_goes_chunked(ab: Abaco, server: FakeServer) -> None:
    server.add_actor("a")
    ab.messages.send("a", data=io.BytesIO(b"x" * 70_000))
    assert server.requests[-1].content == b"x" * 70_000
    assert server.requests[-1].headers["Transfer-Encoding"] == "chunked"


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, "\ud800"])
def test_values_that_are_not_json(ab: Abaco, value: object) -> None:
    with pytest.raises(InvalidInput, match="cannot be sent as JSON"):
        ab.state.set("a", value)


def test_null_is_a_body(ab: Abaco, server: FakeServer) -> None:
    server.add_actor("a", state={"x": 1})
    ab.state.set("a", None)
    assert json.loads(server.requests[-1].content) is None
    assert ab.state.get("a") is None
