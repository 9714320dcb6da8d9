"""`abaco init` and `abaco deploy` as a new user has them: from nothing to the first line of one's own actor's log."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.live import SAMPLES, LiveServer
from dockerd import Dockerd

from abaco.cli.main import run
from abaco.client import Abaco

Capture = pytest.CaptureFixture[str]
_PROMISED_SECONDS = 60


@pytest.fixture(autouse=True)
def ada(server: LiveServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Abaco]:
    """An ordinary user, whose command line it is."""
    server.admin("user", "add", "ada", "--password", "correct horse")
    token = server.admin("token", "ada")
    monkeypatch.setenv("ABACO_SERVER", server.url)
    monkeypatch.setenv("ABACO_TOKEN", token)
    monkeypatch.chdir(tmp_path)
    with Abaco(server.url, token) as client:
        yield client


@pytest.mark.parametrize(
    ("language", "program", "says"),
    [
        ("python", "actor.py", "Hello! Your message has 6 words.\n"),
        ("shell", "actor.sh", "Hello! Your message has 6 words.\n"),
        ("other", "main", "Hello! Your message is: to be or not to be\n"),
    ],
)
def test_from_nothing_to_a_log_in_a_minute(ada: Abaco, capfd: Capture, language: str, program: str, says: str) -> None:
    name = f"my-{language}"
    begun = time.monotonic()
    assert run(["init", name, "--language", language]) == 0
    assert run(["deploy", name, "--builder", "none"]) == 0
    assert time.monotonic() - begun < _PROMISED_SECONDS
    said = capfd.readouterr()
    assert said.out == says
    assert "2 blobs sent" in said.err
    [actor] = [each for each in ada.actors.list() if each.name == name]

    # Again: nothing to send, the same actor.
    assert run(["deploy", name, "--builder", "none", "--no-test"]) == 0
    said = capfd.readouterr()
    assert said.out == ""
    assert "0 blobs sent" in said.err

    file = Path(name) / program
    file.write_text(file.read_text().replace("Hello!", "Changed!"))
    assert run(["deploy", name, "--builder", "none", "-m", "one"]) == 0
    assert capfd.readouterr().out.startswith("Changed! Your message ")
    [same] = [each for each in ada.actors.list() if each.name == name]
    assert same.id == actor.id
    assert same.revision == 3
    ada.actors.delete(actor.id)


def test_deploy_exits_as_the_test_message_does(ada: Abaco, capfd: Capture) -> None:
    run(["init", "failing", "--language", "shell"])
    Path("failing/actor.sh").write_text("echo no; exit 7\n")
    assert run(["deploy", "failing", "--builder", "none"]) == 7
    assert capfd.readouterr().out == "no\n"
    ada.actors.add("abacosamples/test", name="failing")
    assert run(["deploy", "failing", "--builder", "none"]) == 6
    assert "2 actors called failing" in capfd.readouterr().err
    for actor in ada.actors.list():
        ada.actors.delete(actor.id)


def test_a_project_says_how_its_actor_runs(ada: Abaco, capfd: Capture) -> None:
    run(["init", "warm", "--name", "kept-warm"])
    project = Path("warm/actor.toml")
    text = project.read_text().replace("hints = []", 'hints = ["warm"]').replace("# default_env", "default_env")
    project.write_text(text)
    assert run(["deploy", "warm", "--builder", "none"]) == 0
    [actor] = [each for each in ada.actors.list() if each.name == "kept-warm"]
    assert actor.hints == ("warm",)
    assert actor.default_environment == {"GREETING": "Hello"}
    ada.actors.delete(actor.id)


def test_an_engine_builds_the_image(
    ada: Abaco, dockerd: Dockerd, capfd: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{dockerd.socket}")
    archive = tmp_path / "busybox.tar"
    source, target = f"oci-archive:{SAMPLES}/abacosamples_test.tar", f"docker-archive:{archive}:busybox:latest"
    subprocess.run(["skopeo", "--insecure-policy", "copy", source, target], check=True, capture_output=True)
    subprocess.run(["docker", "load", "-i", archive], check=True, capture_output=True)
    run(["init", "built", "--language", "shell"])
    assert run(["deploy", "built"]) == 0
    said = capfd.readouterr()
    assert said.out == "Hello! Your message has 6 words.\n"
    assert "docker has built the image" in said.err
    assert run(["deploy", "built", "--no-test"]) == 0
    assert "0 blobs sent" in capfd.readouterr().err
    (tmp_path / "built/Containerfile").write_text("FROM busybox\nCOPY nowhere /\n")
    assert run(["deploy", "built"]) == 1
    assert "docker did not build the image" in capfd.readouterr().err.splitlines()[-1]
    for actor in ada.actors.list():
        ada.actors.delete(actor.id)
