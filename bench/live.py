"""A real server, started as a user starts it: `abaco serve` in a directory of its own, and the client to talk to it."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from abaco.client import Abaco

__all__ = ["ROOT", "SAMPLES", "LiveServer", "free_port", "live_server", "started", "until"]

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "build" / "images"
_ABACO = Path(sys.executable).parent / "abaco"
_READY_SECONDS = 60.0
_STOP_SECONDS = 60.0
_SEVERAL = """
import json, sys
from abaco.cli.main import run
for arguments in json.load(sys.stdin):
    if code := run(arguments):
        sys.exit(code)
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def until(holds: Callable[[], bool], seconds: float = 60.0, step: float = 0.02) -> None:
    """Wait for what another process does; the test fails if it does not happen in `seconds`."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(step)


class LiveServer:
    """`start` and `stop` any number of times on the same data; `kill` is what a power cut or an OOM killer does.

    Its programs are started by `prefix`, the beginning of a command, as if they were its arguments.
    """

    def __init__(self, data: Path, database: str | None = None, prefix: Sequence[str] = (), **settings: str) -> None:
        self.data = data
        self._prefix = prefix
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._database = [] if database is None else ["--database", database]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ABACO_")}
        self._environment = inherited | {f"ABACO_{name.upper()}": value for name, value in settings.items()}
        self.trust: ssl.SSLContext | bool = True
        self._process: subprocess.Popen[bytes] | None = None
        self._token = ""

    @property
    def log(self) -> str:
        return (self.data / "server.log").read_text()

    def admin(self, *arguments: str) -> str:
        """Run ``abaco admin`` on this server's data; what it prints."""
        return self._run([str(_ABACO), *self._admin(arguments)])

    def administer(self, commands: Iterable[Sequence[str]]) -> str:
        """Run several ``abaco admin`` in one process: to start one takes longer than what it does."""
        return self._run([sys.executable, "-c", _SEVERAL], json.dumps([self._admin(each) for each in commands]))

    def _admin(self, arguments: Sequence[str]) -> list[str]:
        return ["admin", "--data", str(self.data), *self._database, *arguments]

    def _run(self, command: list[str], given: str = "") -> str:
        command = [*self._prefix, *command]
        done = subprocess.run(command, env=self._environment, input=given, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def prepare(self, *samples: str) -> None:
        """Import sample images and make the user that `client` is."""
        imports = [
            ("image", "import", str(SAMPLES / f"abacosamples_{sample}.tar"), f"abacosamples/{sample}")
            for sample in samples
        ]
        user = ("user", "add", "jane", "--password", "secret", "--role", "admin")
        self._token = self.administer([*imports, user, ("token", "jane")]).splitlines()[-1]

    @property
    def token(self) -> str:
        return self._token

    def client(self) -> Abaco:
        return Abaco(self.url, self._token)

    def start(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        command = [str(_ABACO), "serve", "--data", str(self.data), "--port", str(self.port), *self._database]
        with (self.data / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._prefix, *command], env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        until(self.is_ready, _READY_SECONDS)

    def is_ready(self) -> bool:
        """Whether it answers, with an engine; fails if it has ended."""
        assert self._process is not None
        assert self._process.poll() is None, self.log
        try:
            return httpx.get(f"{self.url}/healthz", verify=self.trust).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def stop(self) -> int:
        """SIGTERM, as an init system sends it; the exit code."""
        assert self._process is not None
        self._process.terminate()
        code = self._process.wait(_STOP_SECONDS)
        self._process = None
        return code

    @property
    def running(self) -> bool:
        return self._process is not None

    def pids(self, role: str) -> list[int]:
        """The processes of a role of this server ("engine" or "api")."""
        assert self._process is not None
        found = subprocess.run(
            ["pgrep", "-P", str(self._process.pid), "-f", f"abaco.role {role}"],
            capture_output=True,
            text=True,
            check=False,
        )
        return [int(pid) for pid in found.stdout.split()]

    def kill(self, role: str) -> None:
        """SIGKILL to one role; the supervisor starts it again."""
        for pid in self.pids(role):
            os.kill(pid, signal.SIGKILL)

    def kill_everything(self) -> None:
        """SIGKILL to all of the server's processes at once."""
        assert self._process is not None
        # The supervisor first: nobody is to be started again.
        victims = [self._process.pid, *self.pids("engine"), *self.pids("api")]
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        self._process.wait()
        self._process = None


@contextmanager
def live_server(data: Path, *samples: str, database: str | None = None, **settings: str) -> Iterator[LiveServer]:
    """A started server with sample images, stopped at the end whatever happened."""
    with started(LiveServer(data, database, (), **settings), *samples) as server:
        yield server


@contextmanager
def started(server: LiveServer, *samples: str) -> Iterator[LiveServer]:
    """`server`, started with sample images and stopped at the end whatever happened."""
    server.prepare(*samples)
    server.start()
    try:
        yield server
    finally:
        if server.running:
            assert server.stop() == 0
