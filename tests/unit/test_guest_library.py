"""abaco.actors against a real datagram socket and a real HTTP server; also that it stays one droppable file."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cloudpickle
import pytest

from abaco import actors

VARIABLES = {
    "MSG": "hello",
    "_abaco_actor_id": "JBAbGXv7e1gm8",
    "_abaco_actor_dbid": "DEV_JBAbGXv7e1gm8",
    "_abaco_actor_name": "counter",
    "_abaco_container_repo": "abacosamples/wc",
    "_abaco_worker_id": "worker1",
    "_abaco_execution_id": "execution1",
    "_abaco_username": "jdoe",
    "_abaco_actor_state": "{'count': 3}",
    "_abaco_Content_Type": "str",
    "my_parameter": "7",
}


class Api:
    """A scripted API: answers with `replies` in order and keeps what it was asked."""

    def __init__(self) -> None:
        self.replies: list[tuple[int, bytes]] = []
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        api = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                api.requests.append((self.command, self.path, dict(self.headers.items()), body))
                status, reply = api.replies.pop(0)
                if not status:  # hang up without a word
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            do_GET = do_POST = answer  # noqa: N815 - the base class's names

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def will_answer(self, status: int, result: object = None, message: str = "m") -> None:
        state = "success" if status < 400 else "error"
        envelope = {"message": message, "status": state, "version": "dev", "result": result}
        self.replies.append((status, json.dumps(envelope).encode()))


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()
    thread = threading.Thread(target=api.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield api
    api.server.shutdown()
    thread.join()
    api.server.server_close()


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def client(api: Api, pauses: list[float]) -> actors.Client:
    return actors.Client(api.url, token="secret", actor_id="JBAbGXv7e1gm8", attempts=4, sleep=pauses.append)


@pytest.fixture
def results_socket(tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    path = str(tmp_path / "results.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(path)
        receiver.settimeout(10)
        yield path, receiver


def test_public_names_are_exactly_the_contracts() -> None:
    public = {
        name
        for name, value in vars(actors).items()
        if getattr(value, "__module__", None) == actors.__name__ and not name.startswith("_")
    }
    assert set(actors.__all__) == public


class TestContext:
    def test_has_the_keys_of_the_contract_and_every_variable(self) -> None:
        context = actors.get_context(VARIABLES)
        assert dict(context) == {
            **VARIABLES,
            "raw_message": "hello",
            "content_type": "str",
            "execution_id": "execution1",
            "username": "jdoe",
            "state": "{'count': 3}",
            "actor_id": "JBAbGXv7e1gm8",
            "actor_dbid": "DEV_JBAbGXv7e1gm8",
            "actor_name": "counter",
            "actor_repo": "abacosamples/wc",
            "worker_id": "worker1",
            "message_dict": {},
            "raw_message_parse_log": context.raw_message_parse_log,
        }

    def test_reads_the_environment_of_the_process(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MSG", "from the environment")
        assert actors.get_context()["raw_message"] == "from the environment"

    def test_keys_are_attributes(self) -> None:
        context = actors.get_context(VARIABLES)
        assert context.my_parameter == "7"
        context.note = 1
        assert context["note"] == 1
        assert not hasattr(context, "absent")
        with pytest.raises(AttributeError, match="absent"):
            _ = context.absent

    def test_a_variable_cannot_take_the_place_of_what_the_service_says(self) -> None:
        context = actors.get_context({**VARIABLES, "username": "root", "state": "{}", "message_dict": "x"})
        assert (context.username, context.state, context.message_dict) == ("jdoe", "{'count': 3}", {})

    @pytest.mark.parametrize("name", ["_abaco_Content_Type", "_abaco_Content-Type"])
    def test_either_spelling_of_the_content_type_is_read(self, name: str) -> None:
        assert actors.get_context({name: "application/json"}).content_type == "application/json"

    def test_outside_a_container_everything_is_none(self) -> None:
        context = actors.get_context({})
        assert (context.raw_message, context.content_type, context.actor_id, context.message_dict) == (
            None,
            None,
            None,
            {},
        )

    @pytest.mark.parametrize(
        ("variables", "message"),
        [
            ({"MSG": "{'a': True, 'b': [None]}"}, {"a": True, "b": [None]}),
            ({"MSG": '{"a": true}'}, {"a": True}),
            ({"MSG": ' {"a": 1}\n'}, {"a": 1}),
            ({"MSG": "{'a': nan}", "_abaco_msg_json": '{"a": 5}'}, {"a": 5}),
            ({"MSG": "{'a': 1}", "_abaco_msg_json": '{"a": 2}'}, {"a": 1}),
            ({"MSG": "[1]", "_abaco_msg_json": "[1]"}, {}),
            ({"MSG": "{1, 2}"}, {}),
            ({"MSG": "{"}, {}),
            ({"MSG": "{[]: 1}"}, {}),
            ({"MSG": "{'a':" * 60_000}, {}),
            ({"MSG": ""}, {}),
            ({}, {}),
        ],
    )
    def test_message_dict(self, variables: dict[str, str], message: dict[str, object]) -> None:
        context = actors.get_context(variables)
        assert context.message_dict == message
        assert message or context.raw_message_parse_log

    def test_the_parse_log_says_what_was_tried(self) -> None:
        log = actors.get_context({"MSG": "{oops"}).raw_message_parse_log
        assert [line.split(":")[0] for line in log] == ["MSG as a Python literal", "MSG as JSON"]


def test_reserved_variables_hold_what_the_contract_lists() -> None:
    reserved = actors.reserved_environment_vars()
    assert {"MSG", "_abaco_Content_Type", "_abaco_Content-Type", "_abaco_access_token", "_actor_configs"} <= set(
        reserved
    )
    assert {name for name in VARIABLES if name.startswith("_abaco")} <= set(reserved)


class TestBinaryMessage:
    @pytest.mark.parametrize("size", [0, 1, 65_537, 5_000_000])
    def test_arrives_whole(self, tmp_path: Path, size: int) -> None:
        data = os.urandom(size)
        (tmp_path / "data").write_bytes(data)
        assert actors.get_binary_message(str(tmp_path / "data")) == data

    def test_says_so_if_there_is_none(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError, match="was not binary"):
            actors.get_binary_message(str(tmp_path / "data"))


class TestResults:
    def test_are_one_datagram_each_in_order(self, results_socket: tuple[str, socket.socket]) -> None:
        path, receiver = results_socket
        largest = os.urandom(actors.MAX_RESULT_BYTES)
        for result in (b"first", b"", largest):
            actors.send_bytes_result(result, path)
            assert receiver.recv(2 * actors.MAX_RESULT_BYTES) == result

    def test_that_are_too_large_are_refused_with_advice(self, results_socket: tuple[str, socket.socket]) -> None:
        with pytest.raises(ValueError, match=r"131073 bytes; one result may have 131072\. Send it in several parts"):
            actors.send_bytes_result(bytes(131_073), results_socket[0])

    def test_must_be_bytes(self, results_socket: tuple[str, socket.socket]) -> None:
        with pytest.raises(TypeError, match="not str"):
            actors.send_bytes_result("text", results_socket[0])  # type: ignore[arg-type]

    def test_python_objects_are_pickled_by_value(self, results_socket: tuple[str, socket.socket]) -> None:
        path, receiver = results_socket
        actors.send_python_result({"double": lambda number: number * 2}, path)
        assert cloudpickle.loads(receiver.recv(100_000))["double"](21) == 42


class TestClient:
    def test_update_state_replaces_the_whole_state(self, api: Api, client: actors.Client) -> None:
        api.will_answer(200, {"id": "JBAbGXv7e1gm8"})
        client.update_state({"count": 4})
        ((method, path, headers, body),) = api.requests
        assert (method, path, json.loads(body)) == ("POST", "/actors/v2/JBAbGXv7e1gm8/state", {"count": 4})
        assert headers["Authorization"] == "Bearer secret"
        assert headers["Content-Type"] == "application/json"

    def test_get_state_is_parsed(self, api: Api, client: actors.Client) -> None:
        api.will_answer(200, {"state": [1, {"a": None}]})
        assert client.get_state() == [1, {"a": None}]
        assert api.requests[0][:2] == ("GET", "/actors/v2/JBAbGXv7e1gm8/state")

    def test_send_message(self, api: Api, client: actors.Client) -> None:
        api.will_answer(200, {"executionId": "e"})
        assert client.send_message("reducer", {"count": {"a": 1}}) == {"executionId": "e"}
        assert (api.requests[0][1], json.loads(api.requests[0][3])) == (
            "/actors/v2/reducer/messages",
            {"message": {"count": {"a": 1}}},
        )

    @pytest.mark.parametrize("state", [None, 0, "", False, {}, [], "text"])
    def test_any_json_value_can_be_state(self, api: Api, client: actors.Client, state: object) -> None:
        api.will_answer(200)
        client.update_state(state)
        assert json.loads(api.requests[0][3]) == state

    @pytest.mark.parametrize("state", [{1, 2}, float("nan"), b"bytes"])
    def test_what_is_not_json_never_leaves(self, api: Api, client: actors.Client, state: object) -> None:
        with pytest.raises((TypeError, ValueError)):
            client.update_state(state)
        assert not api.requests

    def test_a_refusal_carries_the_apis_own_words(self, api: Api, client: actors.Client, pauses: list[float]) -> None:
        api.will_answer(404, message="actor is stateless.")
        with pytest.raises(actors.AbacoRequestError, match="actor is stateless") as caught:
            client.update_state({})
        assert (caught.value.status, caught.value.message, pauses) == (404, "actor is stateless.", [])

    def test_a_refusal_without_an_envelope_is_readable(self, api: Api, client: actors.Client) -> None:
        api.replies.append((502, b"<h1>Bad gateway</h1>"))
        with pytest.raises(actors.AbacoRequestError, match="Bad gateway") as caught:
            client.get_state()
        assert caught.value.status == 502

    def test_a_body_that_is_no_envelope_is_returned_as_bytes(self, api: Api, client: actors.Client) -> None:
        api.replies.append((200, b"\x80raw"))
        assert client.request("GET", "/actors/v2/x/executions/y/results") == b"\x80raw"

    def test_binary_bodies_keep_their_type(self, api: Api, client: actors.Client) -> None:
        api.will_answer(200)
        client.request(
            "POST", "/actors/v2/x/messages", data=b"\0", headers={"Content-Type": "application/octet-stream"}
        )
        assert (api.requests[0][2]["Content-Type"], api.requests[0][3]) == ("application/octet-stream", b"\0")

    def test_503_is_tried_again_with_growing_pauses(self, api: Api, client: actors.Client, pauses: list[float]) -> None:
        for _ in range(3):
            api.will_answer(503)
        api.will_answer(200)
        client.send_message("reducer", 1)
        assert pauses == [0.1, 0.2, 0.4]

    def test_503_is_given_up_after_the_last_attempt(self, api: Api, client: actors.Client) -> None:
        for _ in range(4):
            api.will_answer(503, message="Try later.")
        with pytest.raises(actors.AbacoRequestError, match="Try later") as caught:
            client.update_state(1)
        assert caught.value.status == 503

    def test_a_lost_answer_is_asked_for_again_if_that_is_harmless(self, api: Api, client: actors.Client) -> None:
        api.replies.append((0, b""))
        api.will_answer(200)
        client.update_state({"count": 1})
        assert len(api.requests) == 2

    def test_a_message_whose_answer_was_lost_is_not_sent_twice(self, api: Api, client: actors.Client) -> None:
        api.replies.append((0, b""))
        with pytest.raises(actors.AbacoRequestError, match="No answer from") as caught:
            client.send_message("reducer", 1)
        assert (caught.value.status, len(api.requests)) == (0, 1)

    def test_a_refused_connection_is_always_tried_again(self, pauses: list[float]) -> None:
        with socket.socket() as unheard:  # bound, never listening: every connection is refused
            unheard.bind(("127.0.0.1", 0))
            client = actors.Client(f"http://127.0.0.1:{unheard.getsockname()[1]}", attempts=3, sleep=pauses.append)
            with pytest.raises(actors.AbacoRequestError, match="No answer from"):
                client.send_message("reducer", 1)
        assert pauses == [0.1, 0.2]

    def test_proxies_of_the_environment_do_not_see_the_token(
        self, api: Api, client: actors.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        api.will_answer(200, {"state": 1})
        assert client.get_state() == 1

    def test_redirects_do_not_carry_the_token_away(self, api: Api, client: actors.Client) -> None:
        api.will_answer(302)
        with pytest.raises(actors.AbacoRequestError) as caught:
            client.get_state()
        assert (caught.value.status, len(api.requests)) == (302, 1)

    def test_a_path_in_the_address_of_the_api_is_kept(self, api: Api) -> None:
        api.will_answer(200, {"state": 1})
        actors.Client(api.url + "/proxy/", actor_id="a").get_state()
        assert api.requests[0][1] == "/proxy/actors/v2/a/state"
        assert "Authorization" not in api.requests[0][2]

    @pytest.mark.parametrize("address", ["", "localhost:8000", "ftp://x", "http://"])
    def test_an_address_that_is_none_is_refused(self, address: str) -> None:
        with pytest.raises(ValueError, match="https://host"):
            actors.Client(address)

    def test_update_state_uses_what_the_service_injected(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("_abaco_api_server", api.url)
        monkeypatch.setenv("_abaco_access_token", "token1")
        monkeypatch.setenv("_abaco_actor_id", "actor1")
        api.will_answer(200)
        actors.update_state("new")
        assert api.requests[0][1:] == ("/actors/v2/actor1/state", api.requests[0][2], b'"new"')
        assert api.requests[0][2]["Authorization"] == "Bearer token1"

    def test_needs_the_variables_of_a_container(self) -> None:
        with pytest.raises(RuntimeError, match="_abaco_api_server is not set"):
            actors.get_client({})
        with pytest.raises(ValueError, match="_abaco_actor_id is not set"):
            actors.get_client({"_abaco_api_server": "https://api.example.org"}).get_state()

    def test_https_is_spoken_to_https_addresses(self, api: Api) -> None:
        """To a server that does not speak TLS; a client that did not either would get its answer."""
        api.will_answer(200)
        client = actors.Client(api.url.replace("http:", "https:"), actor_id="a", attempts=1, timeout_seconds=10)
        with pytest.raises(actors.AbacoRequestError, match="No answer from https"):
            client.get_state()
        assert api.requests == []

    @pytest.mark.parametrize(("path", "headers"), [("/a b", {}), ("/a\r\nX: y", {}), ("/a", {"X": "y\r\nZ: z"})])
    def test_a_request_that_would_smuggle_in_lines_is_not_sent(
        self, client: actors.Client, api: Api, path: str, headers: dict[str, str]
    ) -> None:
        with pytest.raises(ValueError, match="line break"):
            client.request("GET", path, headers=headers)
        assert api.requests == []


def _answering(answer: bytes) -> tuple[socket.socket, threading.Thread]:
    """A server for one connection that reads a request and sends `answer` as it is."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    return listener, thread


@pytest.mark.parametrize(
    "answer",
    [b"", b"garbage", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}", b"\r\n\r\n"],
)
def test_an_answer_that_breaks_off_is_no_answer(answer: bytes) -> None:
    listener, thread = _answering(answer)
    with listener:
        client = actors.Client(f"http://127.0.0.1:{listener.getsockname()[1]}", actor_id="a", attempts=1)
        with pytest.raises(actors.AbacoRequestError, match="before the answer was complete"):
            client.get_state()
        thread.join(10)


def test_is_one_file_that_loads_nothing_slow(tmp_path: Path) -> None:
    """Dropped alone into an image it works, and what a plain-text actor imports stays small."""
    (tmp_path / "actors.py").write_bytes(Path(actors.__file__).read_bytes())
    program = (
        "import sys, actors; actors.get_context({'MSG': 'plain'});"
        "slow = {'typing', 'ast', 'json', 're', 'socket', 'ssl', 'http', 'urllib', 'cloudpickle'};"
        "print(sorted(slow & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", program], cwd=tmp_path, env={}, check=True, capture_output=True, text=True
    )
    assert done.stdout == "[]\n"
