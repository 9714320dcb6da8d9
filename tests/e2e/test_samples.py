"""The sample images do what their pages say; those that other tests use are tested there."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiodocker import Docker
from bench.live import LiveServer, live_server, until
from dockerd import Dockerd
from runtime.samples import busybox_layer, docker_archive

from abaco.client import Abaco, ActorHandle, Run

_SECONDS = 60
_SAMPLES = (
    "binary_message_classifier",
    "docker_ps",
    "fast_lookup",
    "logger",
    "mem_limit",
    "nonce",
    "numpy_mult",
    "py_test",
    "tapis_token_test",
    "warm_echo",
    "webhook",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, dockerd: Dockerd) -> Iterator[LiveServer]:
    """A server that lets actors have what few should."""
    data = tmp_path_factory.mktemp("samples") / "data"
    given = {"privileged": "true", "privileged_docker_socket": str(dockerd.socket), "nonce_in_environment": "true"}
    with live_server(data, *_SAMPLES, **given) as running:
        yield running


def register(ab: Abaco, sample: str, **attributes: Any) -> ActorHandle:
    actor = ab.actor(ab.actors.add(f"abacosamples/{sample}", **attributes).id)
    assert actor.wait(_SECONDS).status == "READY"
    return actor


def log_of(run: Run, exit_code: int = 0) -> str:
    ended = run.wait(_SECONDS)
    assert (ended.status, ended.exit_code) == ("COMPLETE", exit_code), run.log()
    return run.log()


def test_fast_lookup(ab: Abaco) -> None:
    actor = register(ab, "fast_lookup")
    words = ("fruit", "vegetable", "color", "month", "tree")
    answers = [actor.call(word, timeout=_SECONDS) for word in words]
    assert answers == [b"apple", b"carrot", b"green", b"december", b"unknown"]


def test_logger(ab: Abaco) -> None:
    actor = register(ab, "logger")
    assert log_of(actor.send({"length": 1_234})) == "x" * 1_234 + "\n"
    assert log_of(actor.send("go")) == "x" * 100_000 + "\n"


def test_mem_limit(ab: Abaco) -> None:
    actor = register(ab, "mem_limit", mem_limit="256m")
    assert log_of(actor.send("0.15")) == "Taking 0.15 GB.\nHas 0.1 GB.\nHas 0.15 GB.\n"
    killed = actor.send("as much as you can")
    assert log_of(killed, 137).startswith("Taking 2 GB.\nHas 0.1 GB.\n")
    assert killed.info().raw["finalState"]["OOMKilled"] is True
    assert actor.send(50).wait(_SECONDS).exit_code == 137


def test_numpy_mult(ab: Abaco) -> None:
    run = register(ab, "numpy_mult").send({"size": 256, "std_dev": 10})
    assert "Multiplied two matrices of 256 x 256" in log_of(run)
    (result,) = run.results()
    assert json.loads(result)["std_dev"] == pytest.approx(10 * 10 * 16, rel=0.05)


def test_webhook_passes_events_on(ab: Abaco, server: LiveServer) -> None:
    # The API is the one web server that every container reaches.
    taker = register(ab, "warm_echo")
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/octet-stream"}
    url = f"{server.url}/actors/v2/{taker.name}/messages"
    hook = register(ab, "webhook", default_environment={"URL": url, "HEADERS": headers})
    watched = register(ab, "fast_lookup", link=hook.name)
    until(lambda: bool(hook.executions()), _SECONDS)
    assert f"{url} answered 200 OK." in log_of(hook.executions()[0])
    (event,) = taker.executions()[0].results(_SECONDS)
    assert b"'event_type': 'ACTOR_READY'" in event
    assert watched.name.encode() in event


def test_webhook_tries_again_and_says_what_went_wrong(ab: Abaco, server: LiveServer) -> None:
    away = {"URL": "http://127.0.0.1:1/", "HEADERS": {}, "RETRIES_VAR": 2, "BACKOFF_FAC": 0.01}
    actor = register(ab, "webhook", default_environment=away)
    log = log_of(actor.send("hi"), 1)
    assert log.count("cannot be reached") == 3
    assert log.endswith("Gave up after 2 retries.\n")
    refused = log_of(actor.send("hi", URL=f"{server.url}/actors/v2/none/messages"), 1)
    assert "refused the message: HTTP Error 401" in refused
    assert "Authorization" in refused
    assert "The variable URL must say" in log_of(actor.send("hi", URL=""), 1)


def test_nonce(ab: Abaco, server: LiveServer) -> None:
    actor = register(ab, "nonce")
    nonce = ab.actors.addNonce(actorId=actor.name, body={"level": "EXECUTE", "maxUses": 3}).id
    url = f"{server.url}/actors/v2/{actor.name}/messages"
    httpx.post(url, params={"x-nonce": nonce}, json={"message": {"depth": 2}}).raise_for_status()
    until(lambda: len(actor.executions()) == 3, _SECONDS)
    logs = [log_of(run) for run in actor.executions()]
    assert logs == ["Depth: 2\nSent myself a message.\n", "Depth: 1\nSent myself a message.\n", "Depth: 0\n"]
    used_up = actor.send({"depth": 1}, **{"x-nonce": nonce})
    assert "AbacoRequestError" in log_of(used_up, 1)
    assert "There is no variable x-nonce" in log_of(actor.send({"depth": 1}), 1)


def test_py_test(ab: Abaco) -> None:
    checks = "has_context: ok\nreads_itself: ok\nis_listed: ok\nis_running: ok\n"
    assert log_of(register(ab, "py_test", token=True).send("go")) == checks
    # An execution without a token in its owner's name reaches its own state only.
    without = log_of(register(ab, "py_test", token=False).send("go"), 1)
    assert "is_listed: FAILED: AbacoRequestError" in without


def test_tapis_token_test(ab: Abaco) -> None:
    actor = register(ab, "tapis_token_test", token=True, default_environment={"sleep": 0.01})
    assert log_of(actor.send("go")) == "".join(f"Run {run} of 5: ok\n" for run in range(1, 6))
    assert f"'id': '{actor.name}'" in log_of(actor.send("go", runs=1, verbose="true"))


PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 640, 480)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (PNG, {"kind": "image/png", "bytes": 24, "width": 640, "height": 480}),
        (PNG[:20], {"kind": "image/png", "bytes": 20}),
        ("Grüße".encode(), {"kind": "text/plain", "bytes": 7}),
    ],
)
def test_binary_message_classifier(ab: Abaco, data: bytes, found: dict[str, Any]) -> None:
    actor = register(ab, "binary_message_classifier")
    assert json.loads(actor.call(data, timeout=_SECONDS)) == found


@pytest.fixture
def neighbour(dockerd: Dockerd, tmp_path: Path) -> Iterator[str]:
    """The name of a container that Docker runs."""
    archive = tmp_path / "neighbour.tar"
    docker_archive(archive, [(busybox_layer(), {}, ["neighbour:latest"])])
    config: dict[str, Any] = {"Image": "neighbour", "Cmd": ["sleep", "1000"], "HostConfig": {"NetworkMode": "none"}}

    async def start(client: Docker) -> Any:
        with archive.open("rb") as file:
            _ = [part async for part in client.images.import_image(file, stream=True)]
        return await client.containers.run(config, name="neighbour")

    container = dockerd.engine.call(start)
    yield "neighbour"
    dockerd.engine.call(lambda _: container.delete(force=True))


def test_docker_ps(ab: Abaco, neighbour: str) -> None:
    log = log_of(register(ab, "docker_ps", privileged=True).send("go"))
    assert log.startswith("1 containers are running\n")
    assert f"/{neighbour}" in log
    assert "is the actor privileged?" in log_of(register(ab, "docker_ps").send("go"), 1)
