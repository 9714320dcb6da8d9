"""Runs the user guide's curl examples as a reader would: in a shell, with the server's address and a token of their own."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.live import LiveServer, until

__all__ = ["Answer", "Guide", "assert_shape"]

_ADDRESS = "https://api.tacc.utexas.edu"
_SECONDS = 60


@dataclass(frozen=True)
class Answer:
    status: int
    content_type: str
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def result(self) -> Any:
        """What the envelope of a success holds."""
        assert (self.status, self.json["status"]) == (200, "success"), self.body
        assert set(self.json) == {"message", "status", "version", "result"}
        return self.json["result"]

    def refusal(self, status: int) -> str:
        """The text of an error with this HTTP status."""
        assert (self.status, self.json["status"]) == (status, "error"), self.body
        assert set(self.json) == {"message", "status", "version", "result"}
        return str(self.json["message"])


class Guide:
    """A reader of the guide, at a shell."""

    def __init__(self, server: LiveServer, home: Path, user: str) -> None:
        self._server = server
        self._user = user
        token = server.admin("token", user)
        # What curl reads by itself, so that the examples stay as they are printed.
        (home / ".curlrc").write_text('silent\nshow-error\nwrite-out = "\\n%{http_code}\\n%{content_type}"\n')
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "TOKEN": token,
            "header": f"Authorization: Bearer {token}",
        }

    def run(self, example: str, **changes: str) -> Answer:
        """Run an example with the server's address; in `changes` are its placeholders (``<actor_id>``) and ids."""
        command = example.strip().replace(_ADDRESS, self._server.url)
        for name, value in changes.items():
            command = command.replace(f"<{name}>", value)
        done = subprocess.run(
            ["bash", "-c", command], env=self._environment, capture_output=True, timeout=_SECONDS, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stderr.decode()}"
        body, status, content_type = done.stdout.rsplit(b"\n", 2)
        return Answer(int(status), content_type.decode(), body)

    def register(self, image: str = "abacosamples/test", **attributes: Any) -> str:
        """The id of a new actor for an example to be about."""
        description = json.dumps({"image": image, "defaultEnvironment": {"SLEEP": "0"}, **attributes})
        actor_id = self.run(
            f"""curl -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\
            -d '{description}' {_ADDRESS}/actors/v2"""
        ).result["id"]
        return str(actor_id)

    def send(self, actor_id: str, message: str = "hello") -> str:
        """Send a message and wait until its execution is over; the execution's id."""
        sent = self.run(
            f"""curl -H "Authorization: Bearer $TOKEN" -d "message={message}" {_ADDRESS}/actors/v2/{actor_id}/messages"""
        )
        return self.wait(actor_id, sent.result["executionId"])

    def wait(self, actor_id: str, execution_id: str) -> str:
        example = (
            f"""curl -H "Authorization: Bearer $TOKEN" {_ADDRESS}/actors/v2/{actor_id}/executions/{execution_id}"""
        )
        until(lambda: self.run(example).result["status"] == "COMPLETE", step=0.2)
        return execution_id

    def log(self, actor_id: str, execution_id: str) -> str:
        example = (
            f"""curl -H "Authorization: Bearer $TOKEN" {_ADDRESS}/actors/v2/{actor_id}/executions/{execution_id}/logs"""
        )
        return str(self.run(example).result["logs"])


def assert_shape(documented: Any, actual: Any, where: str = "") -> None:
    """What the guide shows is there, of the same type; what it shows as null may be anything. There may be more."""
    if documented is None:
        return
    assert type(actual) is type(documented), f"{where}: {actual!r} is not like {documented!r}"
    if isinstance(documented, dict):
        for key, value in documented.items():
            assert key in actual, f"{where}: no {key!r} in {actual!r}"
            assert_shape(value, actual[key], f"{where}.{key}")
    if isinstance(documented, list) and documented:
        assert actual, f"{where}: empty"
        for item in actual:
            assert_shape(documented[0], item, f"{where}[]")
