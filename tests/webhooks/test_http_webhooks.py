"""Posting over real sockets: what arrives, what is refused, and that nobody can hold the server up."""

import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import anyio
import pytest

from abaco.ports import WebhookAnswer, WebhookPost
from abaco.webhooks.http import HttpWebhooks


class Receiver:
    """A web server that answers as told and remembers what it got."""

    def __init__(self) -> None:
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body = b"thanks"
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.silent = False
        self.release = Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                if receiver.silent:
                    receiver.release.wait(30)
                    return
                self.send_response(receiver.status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(receiver.body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        self.release.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    yield server
    server.close()


def post(url: str, *own: str, private: bool = False, timeout: float = 10) -> WebhookAnswer:
    async def once() -> WebhookAnswer:
        webhooks = HttpWebhooks(timeout, private_addresses=private)
        try:
            return await webhooks.post(WebhookPost(url, b'{"a": 1}', {"Content-Type": "application/json"}, own))
        finally:
            await webhooks.close()

    return anyio.run(once)


def test_what_is_posted_arrives(receiver: Receiver) -> None:
    answer = post(f"{receiver.url}/a/b?x-nonce=DEV_1&b=%20#part", private=True)

    assert answer.status == 200
    [(path, headers, body)] = receiver.got
    assert path == "/a/b?x-nonce=DEV_1&b=%20"
    assert headers["host"] == f"127.0.0.1:{receiver.port}"
    assert headers["content-type"] == "application/json"
    assert body == b'{"a": 1}'


def test_a_name_is_kept_in_the_host_header(receiver: Receiver) -> None:
    assert post(f"http://localhost:{receiver.port}", private=True).status == 200
    assert receiver.got[0][1]["host"] == f"localhost:{receiver.port}"
    assert receiver.got[0][0] == "/"


def test_the_servers_own_address_is_allowed(receiver: Receiver) -> None:
    assert post(f"{receiver.url}/x", "https://abaco.test", receiver.url + "/base").status == 200


@pytest.mark.parametrize("own", ["http://127.0.0.1:1", "https://127.0.0.1"])
def test_other_private_addresses_are_not(receiver: Receiver, own: str) -> None:
    answer = post(receiver.url, own)
    assert (answer.status, answer.final) == (None, True)
    assert "may not lead to" in answer.problem
    assert receiver.got == []


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
        "http://[fe80::1]/",
        "http://0.0.0.0/",
        "http://2852039166/",
        "http://0xa9fea9fe/",
    ],
)
def test_link_local_addresses_never_are(url: str) -> None:
    answer = post(url, url, private=True)
    assert (answer.status, answer.final) == (None, True)


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]"])
def test_spellings_of_this_machine_are_seen_through(receiver: Receiver, host: str) -> None:
    assert post(f"http://{host}:{receiver.port}/").status is None
    assert receiver.got == []


def test_redirects_are_not_followed(receiver: Receiver) -> None:
    receiver.status, receiver.headers = 307, {"Location": f"{receiver.url}/elsewhere"}
    answer = post(receiver.url, private=True)
    assert (answer.status, answer.final) == (307, True)
    assert len(receiver.got) == 1


@pytest.mark.parametrize(("status", "final"), [(500, False), (503, False), (429, False), (408, False), (404, True)])
def test_which_answers_a_later_try_may_change(receiver: Receiver, status: int, *, final: bool) -> None:
    receiver.status = status
    assert post(receiver.url, private=True) == WebhookAnswer(status, final=final)


def test_endless_answers_are_not_read(receiver: Receiver) -> None:
    receiver.headers = {"Content-Length": str(10**12)}
    assert post(receiver.url, private=True).status == 200


def test_silence_is_bounded(receiver: Receiver) -> None:
    receiver.silent = True
    answer = post(receiver.url, private=True, timeout=0.2)
    assert (answer.status, answer.final) == (None, False)
    assert "0.2 seconds" in answer.problem


def test_nobody_there(receiver: Receiver) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        answer = post(f"http://127.0.0.1:{unused.getsockname()[1]}", private=True)
    assert (answer.status, answer.final) == (None, False)
    assert "ConnectError" in answer.problem


def test_an_unknown_name_may_be_known_later() -> None:
    answer = post("http://nobody.invalid/")
    assert (answer.status, answer.final) == (None, False)
    assert "not resolved" in answer.problem


@pytest.mark.parametrize("url", ["http://" + "a" * 70 + ".test/", "http://a..b/", "nonsense", "http://[::1/"])
def test_impossible_urls_are_given_up(url: str) -> None:
    assert post(url, private=True).status is None
