"""How many containers a second: ours for a backlog, bare `crun run` in parallel, a loop over the Docker Engine."""

import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
from bench.live import LiveServer

from abaco.ports import ImageRef
from abaco.runtime.images import OciImages

__all__ = ["BareLoop", "DockerLoop", "bare_loop", "drain_rate", "post_many"]

_POSTERS = 8
_PATIENCE_SECONDS = 600.0
_POLL_SECONDS = 0.02


class BareLoop:
    """The least that runs a container: `crun spec`'s own bundle on the image's files, again and again."""

    def __init__(self, bundle: Path) -> None:
        self._bundle = bundle
        self._count = 0

    def run(self) -> None:
        self._count += 1
        command = ["crun", "run", "--bundle", str(self._bundle), f"bare{os.getpid()}-{self._count}"]
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True)

    def rate(self, containers: int, parallel: int) -> float:
        """Containers a second, by as many shells as are to work at once."""
        self._count += 1
        name = f"loop{os.getpid()}-{self._count}"
        each = f"crun run --bundle {self._bundle} {name}-{{}} >/dev/null"
        numbers = "\n".join(map(str, range(containers)))
        started = time.perf_counter()
        command = ["xargs", "-P", str(parallel), "-I{}", "sh", "-c", each]
        subprocess.run(command, input=numbers, text=True, check=True)
        return containers / (time.perf_counter() - started)


@contextmanager
def bare_loop(archive: Path, environment: dict[str, str], directory: Path) -> Iterator[BareLoop]:
    """Crun must accept this machine's control groups: see `kernel.enter_private_mounts`."""
    images = OciImages(directory / "images")
    image = images.prepare(ImageRef("bench", images.import_archive(archive)))
    bundle = directory / "bundle"
    bundle.mkdir()
    subprocess.run(["crun", "spec"], cwd=bundle, check=True)
    spec = json.loads((bundle / "config.json").read_text())
    spec["root"] = {"path": str(image.rootfs), "readonly": False}
    spec["process"]["terminal"] = False
    spec["process"]["args"] = [*(image.config.get("Entrypoint") or []), *(image.config.get("Cmd") or [])]
    spec["process"]["env"] += [f"{name}={value}" for name, value in environment.items()]
    (bundle / "config.json").write_text(json.dumps(spec))
    yield BareLoop(bundle)


class DockerLoop:
    """Create, start, wait, logs, remove over the Engine API, as a service without us would do it."""

    def __init__(self, socket: Path, image: str, environment: dict[str, str]) -> None:
        self._socket = socket
        self._body = {"Image": image, "Env": [f"{name}={value}" for name, value in environment.items()]}

    def _run(self, count: int) -> None:
        transport = httpx.HTTPTransport(uds=str(self._socket))
        with httpx.Client(transport=transport, base_url="http://docker", timeout=60) as docker:
            for _ in range(count):
                made = docker.post("/containers/create", json=self._body).raise_for_status().json()["Id"]
                docker.post(f"/containers/{made}/start").raise_for_status()
                docker.post(f"/containers/{made}/wait").raise_for_status()
                docker.get(f"/containers/{made}/logs", params={"stdout": True, "stderr": True}).raise_for_status()
                docker.delete(f"/containers/{made}").raise_for_status()

    def rate(self, containers: int, parallel: int) -> float:
        """Containers a second."""
        started = time.perf_counter()
        with ThreadPoolExecutor(parallel) as threads:
            list(threads.map(self._run, [containers // parallel] * parallel))
        return containers // parallel * parallel / (time.perf_counter() - started)


def post_many(server: LiveServer, actor_id: str, count: int, query: str) -> None:
    headers = {"Authorization": f"Bearer {server.token}"}
    url = f"{server.url}/actors/v2/{actor_id}/messages?{query}"

    def post(number: int) -> None:
        with httpx.Client(headers=headers) as client:
            for _ in range(number):
                client.post(url, data={"message": "hello"}).raise_for_status()

    with ThreadPoolExecutor(_POSTERS) as threads:
        list(threads.map(post, [count // _POSTERS] * _POSTERS))


def drain_rate(server: LiveServer, actor_id: str, messages: int, query: str) -> float:
    """Executions a second of a backlog: the engine stands still while the messages are posted."""
    (engine,) = server.pids("engine")
    os.kill(engine, signal.SIGSTOP)
    try:
        post_many(server, actor_id, messages, query)
    finally:
        started = time.perf_counter()
        os.kill(engine, signal.SIGCONT)
    _until_empty(server.data / "abaco.db")
    return messages // _POSTERS * _POSTERS / (time.perf_counter() - started)


def _until_empty(database: Path) -> None:
    """A message's row is there until its execution is recorded."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        while connection.execute("SELECT count(*) FROM messages").fetchone()[0]:
            assert time.monotonic() < deadline, "the backlog did not end"
            time.sleep(_POLL_SECONDS)
