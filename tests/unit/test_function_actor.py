"""The files of the function actor, against a server with troubles."""

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from unit.test_sample_programs import program

ACTOR = program("py3_func")
DATA = b"0123456789" * 300_000
DIGEST = f"sha256:{hashlib.sha256(DATA).hexdigest()}"


class Service(ThreadingHTTPServer):
    """Keeps files; `troubles` are statuses to answer with instead, 0 to close and -1 to break off half-way."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.troubles: list[int] = []
        self.asked: list[tuple[str, str]] = []


class Handler(BaseHTTPRequestHandler):
    server: Service

    def do_PUT(self) -> None:
        if not self._trouble(b""):
            self.server.files[self._digest()] = self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(200, b"{}")

    def do_GET(self) -> None:
        found = self.server.files.get(self._digest())
        if not self._trouble(found or b""):
            self._answer(404 if found is None else 200, found or b'{"message": "There is none."}')

    def _digest(self) -> str:
        return self.path.removeprefix("/actors/v2/sums/files/").partition("?")[0]

    def _trouble(self, body: bytes) -> bool:
        self.server.asked.append((self.command, self.headers["Authorization"]))
        if not self.server.troubles:
            return False
        self.close_connection = True
        trouble = self.server.troubles.pop(0)
        if trouble > 0:
            self._answer(trouble, b'{"message": "A file may have 5 bytes here."}')
        elif trouble < 0:
            self._answer(200, body, len(body) // 2)
        return True

    def _answer(self, status: int, body: bytes, sent: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:sent])

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    service = Service()
    thread = threading.Thread(target=service.serve_forever, args=(0.01,))
    thread.start()
    variables = {"api_server": f"http://127.0.0.1:{service.server_port}", "actor_id": "sums", "access_token": "token"}
    for name, value in variables.items():
        monkeypatch.setenv(f"_abaco_{name}", value)
    monkeypatch.setattr(ACTOR.time, "sleep", lambda _: None)
    yield service
    service.shutdown()
    thread.join()
    service.server_close()


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    sent: list[bytes] = []
    monkeypatch.setattr(ACTOR, "send_bytes_result", sent.append)
    return sent


@pytest.mark.parametrize("troubles", [[], [503], [0, 0, 503]])
def test_a_file_is_kept_and_read(service: Service, troubles: list[int]) -> None:
    service.troubles = list(troubles)
    assert ACTOR.store([memoryview(DATA[:7]), memoryview(b""), memoryview(DATA[7:])]) == DIGEST
    assert service.files == {DIGEST: DATA}
    service.troubles = [*troubles, -1]
    frames = [bytearray(10), bytearray(len(DATA) - 10)]
    ACTOR.fetch(DIGEST, frames)
    assert b"".join(frames) == DATA
    assert set(service.asked) == {("PUT", "Bearer token"), ("GET", "Bearer token")}


def test_trouble_has_an_end(service: Service) -> None:
    service.troubles = [0] * 100
    with pytest.raises(ACTOR.Refused, match=r"RemoteDisconnected|ConnectionReset"):
        ACTOR.fetch(DIGEST, [bytearray(1)])
    assert len(service.asked) == 6


def test_an_answer_that_is_refused_says_why(service: Service, results: list[bytes]) -> None:
    service.troubles = [400]
    ACTOR.answer("one", [(True, DATA)])
    assert service.files == {}
    [part] = results
    kind, [(is_good, error, _)] = ACTOR.pickle.loads(part[ACTOR.PART.size :])
    assert (kind, is_good) == ("one", False)
    assert str(error) == "what was returned cannot be sent: A file may have 5 bytes here."


def test_a_large_answer_is_a_file(service: Service, results: list[bytes]) -> None:
    ACTOR.answer("one", [(True, bytearray(DATA))])
    [part] = results
    assert ACTOR.PART.unpack_from(part)[0] == b"ABRF"
    digest, lengths = json.loads(part[ACTOR.PART.size :])
    assert ACTOR.value_of((digest, lengths)) == ("one", [(True, bytearray(DATA))])


def test_arguments_that_are_gone_fail_the_call(service: Service) -> None:
    [(is_good, error, _)] = ACTOR.outcomes(ACTOR.cloudpickle.dumps(len), (DIGEST, (5,)))
    assert not is_good
    assert str(error) == "the function or its arguments cannot be read: There is none."


def test_half_of_what_cannot_be_pickled_is_no_reason_not_to_answer(results: list[bytes]) -> None:
    ACTOR.answer("many", [(True, 1), (True, threading.Lock())])
    [part] = results
    _, [first, (is_good, error, _)] = ACTOR.pickle.loads(part[ACTOR.PART.size :])
    assert (first, is_good) == ((True, 1), False)
    assert "cannot be pickled" in str(error)


def test_the_two_ends_agree() -> None:
    other = (Path(__file__).parents[2] / "src/abaco/client/executor/tasks.py").read_text()
    for word in (ACTOR.CALLS, ACTOR.SPILLED_CALLS, b"ABRF", b"ABRP"):
        assert repr(word.decode())[1:-1] in other
