"""`abaco serve` as an operator meets it: refusals in one line, stopping, dying, https."""

import os
import resource
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from bench.live import _ABACO, LiveServer, free_port, until

_SECONDS = 60


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    """A server of the test's own, not started yet."""
    server = LiveServer(tmp_path / "data")
    yield server
    if server.running:
        server.stop()


def _serve(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """``abaco serve``, which is expected to end by itself."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ABACO_")} | variables
    command = [str(_ABACO), "serve", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=_SECONDS)


def _refusal(*arguments: str, **variables: str) -> tuple[int, str]:
    """The exit code and the one line that says why."""
    done = _serve(*arguments, **variables)
    [line] = done.stderr.splitlines()
    assert line.startswith("abaco: error: ")
    return done.returncode, line


def _is_alive(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _family(server: LiveServer) -> list[int]:
    assert server._process is not None
    pids = [server._process.pid, *server.pids("engine"), *server.pids("api")]
    assert len(pids) == 3
    return pids


def _start(server: LiveServer) -> None:
    """Start and wait for the supervisor's word: a child that dies before it is a failed start."""
    server.start()
    until(lambda: "Abaco listens on" in server.log)


def test_a_port_in_use_is_refused(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, line = _refusal("--data", str(tmp_path), "--port", str(port))
    assert code == 5
    assert f"127.0.0.1:{port}" in line
    assert "--port" in line


@pytest.mark.parametrize(
    ("arguments", "variables", "word"),
    [
        (["--runtime", "podman"], {}, "runtime"),
        (["--pool", "moon"], {}, "pool"),
        (["--database", "mysql://x/y"], {}, "database"),
        (["--port", "70000"], {}, "port"),
        (["--tls-cert", "/c.pem"], {}, "tls_key"),
        ([], {"ABACO_MAX_WORKERS": "many"}, "max_workers (from environment)"),
        ([], {"ABACO_LEASE_SECONDS": "0"}, "lease_seconds (from environment)"),
    ],
    ids=str,
)
def test_a_wrong_setting_is_named(tmp_path: Path, arguments: list[str], variables: dict[str, str], word: str) -> None:
    code, line = _refusal("--data", str(tmp_path), *arguments, **variables)
    assert code == 2
    assert word in line


def test_a_certificate_that_cannot_be_used_is_refused_before_anything_starts(tmp_path: Path) -> None:
    data, port = str(tmp_path / "data"), str(free_port())
    missing, broken = tmp_path / "missing.pem", tmp_path / "broken.pem"
    broken.write_text("no certificate")
    for file in (missing, broken):
        code, line = _refusal("--data", data, "--port", port, "--tls-cert", str(file), "--tls-key", str(file))
        assert code == 2
        assert "tls_cert and tls_key cannot be used" in line


def test_a_second_server_on_a_data_directory_is_refused(server: LiveServer) -> None:
    server.start()
    code, line = _refusal("--data", str(server.data), "--port", str(free_port()))
    assert code == 5
    assert str(server.data) in line
    assert httpx.get(f"{server.url}/healthz").status_code == httpx.codes.OK


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_everything_in_good_order(server: LiveServer, number: signal.Signals) -> None:
    server.start()
    family = _family(server)
    os.kill(family[0], number)
    assert server.stop() == 0
    assert not any(map(_is_alive, family))
    assert "Traceback" not in server.log


def test_a_killed_supervisor_takes_its_children_along_and_a_new_start_works_at_once(server: LiveServer) -> None:
    server.start()
    supervisor, *children = _family(server)
    os.kill(supervisor, signal.SIGKILL)
    assert server._process is not None
    server._process.wait()
    server.start()
    assert not any(map(_is_alive, children))
    assert server.stop() == 0


def test_a_role_that_dies_is_started_again(server: LiveServer) -> None:
    _start(server)
    for role in ("api", "engine"):
        [former] = server.pids(role)
        server.kill(role)
        until(lambda role=role, former=former: server.pids(role) not in ([], [former]))  # type: ignore[misc]
    until(server.is_ready)
    assert "The api ended (exit code -9); starting it again." in server.log
    assert server.stop() == 0


def test_the_roles_have_as_many_open_files_as_they_may(tmp_path: Path) -> None:
    server = LiveServer(tmp_path / "data", prefix=[shutil.which("prlimit") or "prlimit", "--nofile=512:2048"])
    _start(server)
    limits = [resource.prlimit(pid, resource.RLIMIT_NOFILE) for role in ("api", "engine") for pid in server.pids(role)]
    assert server.stop() == 0
    assert limits == [(2048, 2048)] * 2


def test_an_engine_that_lost_its_lease_says_so_in_one_line_and_is_started_again(tmp_path: Path) -> None:
    server = LiveServer(tmp_path / "data", lease_seconds="1")
    _start(server)
    try:
        with closing(sqlite3.connect(server.data / "abaco.db", timeout=30)) as database, database:
            database.execute("DELETE FROM engines")
        until(lambda: "The engine ended (exit code 1)" in server.log)
        until(server.is_ready)
    finally:
        assert server.stop() == 0
    lines = server.log.splitlines()
    assert "abaco engine: This engine was silent for too long; its messages were given to others." in lines
    assert "Traceback" not in server.log


def test_with_a_certificate_the_server_speaks_https(tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    subprocess.run([*command, "-out", certificate, "-keyout", key], check=True, capture_output=True)
    data = tmp_path / "data"
    arguments = ["--data", str(data), "--port", str(free_port()), "--tls-cert", str(certificate), "--tls-key", str(key)]
    process = subprocess.Popen([str(_ABACO), "serve", *arguments], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split()[3]  # it is printed once the server is ready
        assert url.startswith("https://127.0.0.1:")
        trust = ssl.create_default_context(cafile=str(certificate))
        assert httpx.get(f"{url}/healthz", verify=trust).json() == {"status": "ok"}
    finally:
        process.terminate()
        assert process.wait(_SECONDS) == 0
        assert process.stdout is not None
        process.stdout.close()
