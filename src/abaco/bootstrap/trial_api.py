"""The part of the API that a container calls which runs without a server: its state, in the memory of ``abaco run``."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from abaco.domain.ids import new_id

__all__ = ["TrialApi", "trial_api"]

_MAX_BYTES = 8 << 20


class TrialApi(ThreadingHTTPServer):
    """Listens on loopback, for whoever has the `token`."""

    daemon_threads = True

    def __init__(self, state: Any, *, stateful: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.actor_id = new_id()
        self.token = secrets.token_urlsafe()
        self.stateful = stateful
        self.state = state

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: TrialApi

    def do_GET(self) -> None:
        if self._is_allowed():
            self._answer(200, "Actor state retrieved successfully.", {"state": self.server.state})

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(min(length, _MAX_BYTES))
        if not self._is_allowed():
            return
        try:
            self.server.state = json.loads(body)
        except ValueError:
            self._answer(400, "The body is not valid JSON.", None)
        else:
            self._answer(200, "State updated successfully.", {"id": self.server.actor_id})

    def _is_allowed(self) -> bool:
        """Whether the request is one for the state; otherwise it has been answered."""
        if self.headers.get("Authorization") != f"Bearer {self.server.token}":
            self._answer(401, "No credentials: send the token of the execution.", None)
        elif self.path.rstrip("/") != f"/actors/v2/{self.server.actor_id}/state":
            self._answer(404, "'abaco run' has no server but for the actor's own state: deploy the actor.", None)
        elif not self.server.stateful:
            self._answer(400, "The actor is stateless: run it with --stateful, or stateless = false.", None)
        else:
            return True
        return False

    def _answer(self, code: int, message: str, result: Any) -> None:
        status = "success" if code == 200 else "error"
        body = {"message": message, "status": status, "version": "run", "result": result}
        content = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Stderr is for people."""


@contextmanager
def trial_api(state: Any, *, stateful: bool) -> Iterator[TrialApi]:
    with TrialApi(state, stateful=stateful) as api:
        thread = Thread(target=api.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield api
        finally:
            api.shutdown()
            thread.join()
