"""Links, webhooks and schedules with real containers, a real receiver, and a server that goes down in between."""

import hashlib
import hmac
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from bench.live import LiveServer, live_server, until

_QUICK = {"SLEEP": "0"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server of the module's own, since it is stopped and started; its webhooks may lead to this machine."""
    data = tmp_path_factory.mktemp("reactors") / "data"
    with live_server(data, "test", webhook_private_addresses="true") as live:
        yield live


class Receiver:
    """A web server that remembers what is posted to it."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((dict(self.headers.items()), body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/events"
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    yield server
    server.close()


def call(server: LiveServer, method: str, path: str, **body: Any) -> Any:
    headers = {"Authorization": f"Bearer {server.token}"}
    response = httpx.request(method, f"{server.url}/actors/v2{path}", headers=headers, json=body or None)
    assert response.is_success, response.text
    return response.json()["result"]


def register(server: LiveServer, **description: Any) -> str:
    told = {"image": "abacosamples/test", "defaultEnvironment": _QUICK, **description}
    return str(call(server, "POST", "", **told)["id"])


def ended(server: LiveServer, actor: str) -> list[str]:
    """The actor's executions that have ended, oldest first."""
    entries = call(server, "GET", f"/{actor}/executions")["executions"]
    return [entry["id"] for entry in entries if entry["status"] == "COMPLETE"]


def log(server: LiveServer, actor: str, execution: str) -> str:
    return str(call(server, "GET", f"/{actor}/executions/{execution}/logs")["logs"])


def test_a_linked_actor_is_told_of_everything_in_order(server: LiveServer) -> None:
    target = register(server)
    source = register(server, link=target)
    sent = call(server, "POST", f"/{source}/messages", message="hi")["executionId"]

    until(lambda: len(ended(server, target)) == 2)

    first, second = (log(server, target, execution) for execution in ended(server, target))
    assert "'event_type': 'ACTOR_READY'" in first
    assert f"'actor_id': '{source}'" in first
    assert "event_time_utc" in first
    assert "event_time_display" in first
    assert "_abaco_username=Abaco Event" in first
    assert "'event_type': 'EXECUTION_COMPLETE'" in second
    assert f"'execution_id': '{sent}'" in second


def test_a_webhook_may_be_another_actors_nonce(server: LiveServer) -> None:
    target = register(server)
    nonce = call(server, "POST", f"/{target}/nonces", level="EXECUTE", maxUses=-1)["id"]
    register(server, webhook=f"{server.url}/actors/v2/{target}/messages?x-nonce={nonce}")
    until(lambda: len(ended(server, target)) == 1)
    assert "'event_type': 'ACTOR_READY'" in log(server, target, ended(server, target)[0])


def test_webhooks_are_signed_and_follow_the_link(server: LiveServer, receiver: Receiver) -> None:
    target = register(server)
    source = register(server, link=target, webhook=receiver.url)
    call(server, "POST", f"/{source}/messages", message="hi")

    until(lambda: len(receiver.got) == 2)

    key = server.admin("webhook-key", "jane")
    for headers, body in receiver.got:
        signed = headers["X-Abaco-Timestamp"].encode() + b"." + body
        expected = hmac.new(key.encode(), signed, hashlib.sha256).hexdigest()
        assert headers["X-Abaco-Signature"] == f"sha256={expected}"
    ready, complete = (json.loads(body) for _, body in receiver.got)
    assert (ready["event_type"], complete["event_type"]) == ("ACTOR_READY", "EXECUTION_COMPLETE")
    assert (complete["status"], complete["exit_code"]) == ("COMPLETE", 0)
    told = {ready["_abaco_execution_id"], complete["_abaco_execution_id"]}
    until(lambda: set(ended(server, target)) == told)


def next_slot(server: LiveServer, actor: str) -> datetime:
    return datetime.strptime(call(server, "GET", f"/{actor}")["cronNextEx"], "%Y-%m-%d %H").replace(tzinfo=UTC)


def make_slots_pass(data: Path, actor: str, hours: int) -> None:
    """As if the schedule had begun, and its server been down, for so many hours."""
    with closing(sqlite3.connect(data / "abaco.db")) as database, database:
        moved = "UPDATE actors SET cron_start_at = cron_start_at - ?, cron_next_at = cron_next_at - ? WHERE id = ?"
        milliseconds = hours * 3_600_000
        assert database.execute(moved, (milliseconds, milliseconds, actor)).rowcount == 1


def test_a_schedule_goes_on_after_a_restart_and_fires_once_for_all_it_missed(server: LiveServer) -> None:
    actor = register(server, cronSchedule="now + 1 hour")
    until(lambda: len(ended(server, actor)) == 1)
    shown = log(server, actor, ended(server, actor)[0])
    assert "Contents of MSG: This is your cron execution" in shown
    assert "_abaco_username=cron" in shown
    before = next_slot(server, actor)

    assert server.stop() == 0
    make_slots_pass(server.data, actor, 30)
    server.start()

    until(lambda: len(ended(server, actor)) == 2)
    until(lambda: call(server, "GET", f"/{actor}/messages")["messages"] == 0)
    entries = call(server, "GET", f"/{actor}/executions")["executions"]
    assert len(entries) == 2
    # The hour may have turned meanwhile.
    assert next_slot(server, actor) - before in {timedelta(0), timedelta(hours=1)}
