"""A registry of images, Debian's docker-registry, on this machine."""

import json
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

__all__ = ["StallingRegistry", "push", "running_registry"]

MANIFEST_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)


@contextmanager
def running_registry(directory: Path) -> Iterator[str]:
    """Its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    settings = {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(directory / "data")}},
        "http": {"addr": address},
    }
    (directory / "config.json").write_text(json.dumps(settings))  # YAML, as every JSON is
    command = ["docker-registry", "serve", str(directory / "config.json")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_for(address)
        yield address
        process.terminate()


def wait_for(address: str) -> None:
    host, _, port = address.partition(":")
    for _ in range(200):
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(address)


def push(source: str, name: str) -> str:
    """Push, and say the digest that the registry gave it."""
    command = ["skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false", source, f"docker://{name}"]
    subprocess.run(command, check=True, capture_output=True)
    address, _, rest = name.partition("/")
    repository, _, tag = rest.partition(":")
    request = urllib.request.Request(
        f"http://{address}/v2/{repository}/manifests/{tag}",
        method="HEAD",
        headers={"Accept": ", ".join(MANIFEST_TYPES)},
    )
    with urllib.request.urlopen(request) as response:
        return str(response.headers["Docker-Content-Digest"])


class StallingRegistry(ThreadingHTTPServer):
    """Has what the registry at `origin` has, but sends no blobs before `gate` is set; `asked` tells that one is due."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, origin: str) -> None:
        super().__init__(("127.0.0.1", 0), _PassingOn)
        self.origin = origin
        self.address = f"127.0.0.1:{self.server_port}"
        self.asked, self.gate = threading.Event(), threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self.gate.set()
        self.shutdown()
        self.server_close()


class _PassingOn(BaseHTTPRequestHandler):
    server: StallingRegistry

    def do_GET(self) -> None:
        if "/blobs/" in self.path:
            self.server.asked.set()
            self.server.gate.wait()
        url = f"http://{self.server.origin}{self.path}"
        request = urllib.request.Request(url, headers={"Accept": ", ".join(MANIFEST_TYPES)})
        with urllib.request.urlopen(request) as answer:
            body = answer.read()
            self.send_response(answer.status)
            for name in ("Content-Type", "Docker-Content-Digest"):
                if answer.headers[name]:
                    self.send_header(name, answer.headers[name])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
