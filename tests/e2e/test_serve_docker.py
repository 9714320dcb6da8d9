"""`abaco serve --runtime docker` on a Docker engine, from POST to logs; and what is said without one."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.live import _ABACO, LiveServer, started, until
from dockerd import Dockerd

from abaco.client import Abaco, Actor

_SECONDS = 60


@pytest.fixture
def server(tmp_path: Path, dockerd: Dockerd, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveServer]:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{dockerd.socket}")
    samples = ("sum_reducer", "sleep_loop")
    with started(LiveServer(tmp_path / "data", runtime="docker"), *samples) as server:
        yield server


def registered(ab: Abaco, image: str, *, stateless: bool = True) -> Actor:
    actor = ab.actors.wait(ab.actors.add(f"abacosamples/{image}", stateless=stateless).id, timeout=_SECONDS)
    assert actor.status == "READY", actor.status_message
    return actor


def test_messages_run_and_a_crash_leaves_no_container(server: LiveServer, dockerd: Dockerd) -> None:
    with server.client() as ab:
        adder = registered(ab, "sum_reducer", stateless=False)
        _, last = [ab.messages.send(adder.id, json={"message": {"count": n}}).execution_id for n in (1, 2)]
        assert ab.executions.wait(adder.id, last, timeout=_SECONDS).status == "COMPLETE"
        assert ab.logs.get(adder.id, last) == "The state is now: {'count': 3}\n"
        assert ab.state.get(adder.id) == {"count": 3}  # the containers have reached the API on loopback

        sleeper = registered(ab, "sleep_loop")
        asleep = ab.messages.send(sleeper.id, json={"sleep": 1000}).execution_id
        until(lambda: "Sleeping" in ab.logs.get(sleeper.id, asleep))
        [former] = dockerd.containers()
    server.kill_everything()
    assert [one.id for one in dockerd.containers()] == [former.id]
    server.start()
    with server.client() as ab:
        until(lambda: [one.id for one in dockerd.containers()] not in ([], [former.id]))
        assert former.id not in [one.id for one in dockerd.containers()]
        ab.executions.halt(sleeper.id, asleep)
        until(lambda: dockerd.containers() == [])
    assert server.stop() == 0


def refusal(data: Path, *arguments: str, **variables: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ABACO_")} | variables
    done = subprocess.run(
        [_ABACO, "serve", "--data", data, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )
    assert done.returncode != 0
    return done.stderr


def test_without_an_engine_it_says_what_to_do(tmp_path: Path) -> None:
    said = refusal(tmp_path / "data", "--runtime", "docker", DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    assert f"No Docker engine answers at {tmp_path}/none.sock" in said
    assert "--runtime crun" in said


def test_an_engine_on_another_machine_is_refused(tmp_path: Path) -> None:
    assert "unix:///path" in refusal(tmp_path / "data", "--runtime", "docker", DOCKER_HOST="tcp://192.0.2.1:2375")


def test_without_crun_the_engine_that_is_there_is_named(tmp_path: Path, dockerd: Dockerd) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    said = refusal(tmp_path / "data", PATH=str(programs), DOCKER_HOST=f"unix://{dockerd.socket}")
    assert "apt-get install crun" in said
    assert f"start with --runtime docker: an engine listens at {dockerd.socket}" in said
