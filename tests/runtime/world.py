"""What lies beyond a container: servers on this machine, hosts out in the world, and how a script asks for them."""

import http.server
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from abaco.ports import Runtime

__all__ = ["API_HOST", "Connect", "Connected", "Server", "beyond", "fetch", "machine_addresses", "serving"]

API_HOST = "host=${_abaco_api_server#http://}; host=${host%%:*}"
"""Script that sets `host` to where the container has been told that the API is."""


@dataclass(frozen=True)
class Connected:
    """A runtime whose containers have a network; `gateway` is the machine's end of it, if there is one."""

    runtime: Runtime
    gateway: str | None


Connect = Callable[[str, int], AbstractContextManager[Connected]]
"""Of the setting `network` and the API's port on loopback."""


class _DualStack(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6


class Server:
    """An HTTP server of this process; `heard` are the addresses of who asked."""

    def __init__(self, address: str) -> None:
        heard: list[str] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                heard.append(self.client_address[0])
                body = self.path.encode() * 20_000
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.heard = heard
        kind = _DualStack if ":" in address else http.server.ThreadingHTTPServer
        self._server = kind((address, 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def serving(address: str) -> Iterator[Server]:
    server = Server(address)
    try:
        yield server
    finally:
        server.close()


def fetch(address: str, port: int, path: str = "/", seconds: int = 5) -> str:
    """What comes back from there, counted."""
    return (
        f"printf 'GET {path} HTTP/1.0\\r\\n\\r\\n' | nc -w {seconds} {address} {port} 2>/dev/null | tail -n 1 | wc -c"
    )


def machine_addresses() -> list[str]:
    """All that this machine has, of both kinds."""
    shown = subprocess.run(["ip", "-o", "addr"], check=True, capture_output=True, text=True).stdout
    found = []
    for _, _, kind, address, *_ in map(str.split, shown.splitlines()):
        plain = address.partition("/")[0]
        found.append(f"{plain}%eth0" if kind == "inet6" and plain.startswith("fe80") else plain)
    return found


@contextmanager
def beyond() -> Iterator[tuple[str, str]]:
    """Two hosts beyond this machine, in a network namespace of their own: one out in the world, one with metadata."""
    name, world, metadata = f"abt{os.getpid() % 100000}", "198.18.7.2", "169.254.169.254"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        here = (
            f"link add {name} type veth peer name eth0 netns {name}",
            f"addr add 198.18.7.1/30 dev {name}",
            f"link set {name} up",
            f"route add {metadata}/32 dev {name}",
        )
        subprocess.run(["ip", "-batch", "-"], input="\n".join(here), text=True, check=True)
        there = (
            "link set lo up",
            "link set eth0 up",
            f"addr add {world}/30 dev eth0",
            f"addr add {metadata}/32 dev eth0",
        )
        subprocess.run(["ip", "-n", name, "-batch", "-"], input="\n".join(there), text=True, check=True)
        command = ["ip", "netns", "exec", name, "busybox", "httpd", "-f", "-p", "80", "-h", "/etc"]
        with subprocess.Popen(command) as server:
            while True:
                try:
                    socket.create_connection((world, 80), timeout=1).close()
                    break
                except OSError:
                    assert server.poll() is None
            yield world, metadata
            server.kill()
    finally:
        # It would go with its namespace, but only after a while.
        subprocess.run(["ip", "link", "del", name], check=False)
        subprocess.run(["ip", "netns", "del", name], check=True)
