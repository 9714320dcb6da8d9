"""`abaco run`: the contract of an execution without a server, on either runtime."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from bench.live import SAMPLES, until
from dockerd import Dockerd

_ABACO = Path(sys.executable).parent / "abaco"
_SECONDS = 120
WC = SAMPLES / "abacosamples_wc.tar"
_SCRIPT = """
echo "message: ${MSG-none}, type $_abaco_Content_Type, A=${A-unset}, $_abaco_actor_name"
[ -e /_abaco_binary_data ] && cat /_abaco_binary_data
echo to stderr >&2
exit 7
"""


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of images that has a sample."""
    data = tmp_path_factory.mktemp("run") / "data"
    subprocess.run([_ABACO, "admin", "--data", data, "image", "import", WC, "abacosamples/wc"], check=True)
    return data


def abaco(
    directory: Path, data: Path, *arguments: str | Path, code: int = 0, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [_ABACO, *arguments],
        cwd=directory,
        env=os.environ | {"ABACO_DATA": str(data)} | (environment or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_a_project_runs_as_it_will_on_a_server(tmp_path: Path, data: Path) -> None:
    abaco(tmp_path, data, "init", "mine")
    done = abaco(tmp_path, data, "run", "mine", "--builder", "none")
    assert done.stdout == "Hello! Your message has 6 words.\n"
    assert "result of 1 bytes: b'6'" in done.stderr
    abaco(tmp_path, data, "init", "own", "--language", "shell")
    (tmp_path / "own/actor.sh").write_text(_SCRIPT)
    said = abaco(tmp_path, data, "run", "own", "--builder", "none", "-m", "hi there", "-e", "A=1", code=7).stdout
    assert said == "message: hi there, type str, A=1, own\nto stderr\n"
    (tmp_path / "own/data").write_bytes(b"a file\n")
    said = abaco(tmp_path, data, "run", "own", "--builder", "none", "--file", "own/data", code=7).stdout
    assert said == "message: none, type application/octet-stream, A=unset, own\na file\nto stderr\n"


def test_an_image_by_name_and_as_an_archive(tmp_path: Path, data: Path) -> None:
    done = abaco(tmp_path, data, "run", "abacosamples/wc", "-m", "a b a", "--results", "results")
    assert done.stdout == "Number of words is: 3\n"
    assert json.loads((tmp_path / "results").read_bytes()) == {"a": 2, "b": 1}
    assert abaco(tmp_path, data, "run", WC, "-m", "a").stdout == "Number of words is: 1\n"


def test_a_state_is_read_and_written(tmp_path: Path, data: Path) -> None:
    for total in (4, 8):
        summed: list[str | Path] = [
            SAMPLES / "abacosamples_sum_reducer.tar",
            "--json",
            '{"count": 4}',
            "--state",
            "state.json",
        ]
        assert abaco(tmp_path, data, "run", *summed).stdout == f"The state is now: {{'count': {total}}}\n"
        assert json.loads((tmp_path / "state.json").read_text()) == {"count": total}


@pytest.mark.parametrize(
    ("arguments", "saying"),
    [
        (["abacosamples/wc"], "what is the message?"),
        (["abacosamples/wc", "-m", "a", "--json", "1"], "several messages"),
        (["abacosamples/wc", "--json", "{"], "--json is not JSON"),
        (["localhost:1/nothing", "-m", "a"], "localhost:1/nothing"),
        (["Not A Name", "-m", "a"], "is not the name of an image"),
        (["abacosamples/wc", "-m", "x" * 131_070], "environment variable holds"),
    ],
)
def test_mistakes_are_one_line(tmp_path: Path, data: Path, arguments: list[str], saying: str) -> None:
    [line] = abaco(tmp_path, data, "run", *arguments, code=2).stderr.splitlines()
    assert line.startswith("abaco: error: ")
    assert saying in line


def test_an_interrupt_ends_the_container(tmp_path: Path, data: Path) -> None:
    abaco(tmp_path, data, "init", "slow", "--language", "shell")
    (tmp_path / "slow/actor.sh").write_text("echo begun; exec sleep 987654\n")
    command: list[str | Path] = [_ABACO, "run", "slow", "--builder", "none", "--data", data]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"  # at once, not at the end
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(_SECONDS) == 130
        finally:
            process.kill()  # or the end of this block would be waited for
    until(lambda: subprocess.run(["pgrep", "-f", "sleep 987654"], capture_output=True, check=False).returncode == 1)


def test_docker_does_where_there_is_no_crun(tmp_path: Path, dockerd: Dockerd) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "env"):
        (programs / name).symlink_to(f"/usr/bin/{name}")
    environment = {"PATH": str(programs), "DOCKER_HOST": f"unix://{dockerd.socket}"}
    done = abaco(tmp_path, tmp_path / "data", "run", WC, "-m", "a b a", environment=environment)
    assert done.stdout == "Number of words is: 3\n"
    assert "result of 16 bytes" in done.stderr
    assert dockerd.containers() == []
