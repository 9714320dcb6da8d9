"""Networks of Actors: links and webhooks."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from typing import Any

import pytest
from bench.live import until
from userdocs.guide import Guide

Posts = Queue[bytes]


@pytest.fixture
def requestbin() -> Iterator[tuple[str, Posts]]:
    """The address of a server that keeps what is posted to it."""
    posts: Posts = Queue()

    class Bin(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posts.put(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Bin) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", posts
        server.shutdown()
        thread.join()


def test_a_link(guide: Guide) -> None:
    target = guide.register()

    answer = guide.run(
        """
curl -H "Authorization: Bearer $TOKEN" \
-H "Content-Type: application/json" \
-d '{"image": "abacosamples/test", "name": "test", "link": "<target>", "description": "My test actor using the abacosamples image.", "default_environment":{"key1": "value1", "key2": "value2"} }' \
https://api.tacc.utexas.edu/actors/v2
""",
        target=target,
    )

    assert answer.result["link"] == target
    executions = f'curl -H "$header" https://api.tacc.utexas.edu/actors/v2/{target}/executions'
    until(lambda: bool(guide.run(executions).result["executions"]), step=0.2)
    execution = guide.run(executions).result["executions"][0]["id"]
    log = guide.log(target, guide.wait(target, execution))
    assert "'event_type': 'ACTOR_READY'" in log
    assert f"'actor_id': '{answer.result['id']}'" in log
    assert "_abaco_username=Abaco Event\n" in log


def test_a_webhook(guide: Guide, requestbin: tuple[str, Posts]) -> None:
    url, posts = requestbin
    example = """
curl -H "Authorization: Bearer $TOKEN" \
-H "Content-Type: application/json" \
-d '{"image": "abacosamples/test", "name": "test", "webhook": "https://eniih104j4tan.x.pipedream.net", }' \
https://api.tacc.utexas.edu/actors/v2
""".replace("https://eniih104j4tan.x.pipedream.net", url)

    # As it is printed it is not JSON.
    assert "JSON" in guide.run(example).refusal(400)
    actor = guide.run(example.replace(", }", " }")).result

    assert actor["webhook"] == url
    event = posts.get(timeout=60)
    assert b'"event_type"' in event
    assert actor["id"].encode() in event
