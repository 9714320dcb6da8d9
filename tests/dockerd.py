"""A private Docker engine for a test session: its own directory and socket, real containers."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from aiodocker import Docker

from abaco.runtime.docker.engine import DockerEngine, EngineError

__all__ = ["Dockerd", "forget_rules"]

_KEEP = """
cd "$1"
if [ "$2" = btrfs ]; then
    mkdir data; truncate -s 1G disk; mkfs.btrfs -q disk && mount -o loop disk data
fi
run() {
    rm -f pid exec/containerd/containerd.pid
    "$0" --data-root "$1/data" --exec-root "$1/exec" --pidfile "$1/pid" -H "unix://$1/sock" --bridge=none \\
        --storage-driver "$2" >>log 2>&1 &
}
run "$1" "$2"
while read _; do run "$1" "$2"; done
kill $!; wait
umount data exec/netns/* 2>/dev/null; rm -rf "$1"
"""
"""Waits for the end of its input: nothing is left even of a test session that was killed. A line is a new start."""
_START_SECONDS = 60.0


class Dockerd:
    """Started by the constructor; `stop` removes all of it. `engine` has been entered.

    `storage` "" is what it chooses itself; with "btrfs" it is on a file system of that kind, and limits layers.
    """

    def __init__(self, storage: str = "") -> None:
        program = shutil.which("dockerd")
        assert program, "Docker's engine is not installed: run `make setup`."
        # Not under pytest's directory: a socket's path may take 107 bytes only.
        self._directory = Path(tempfile.mkdtemp(prefix="abaco-dockerd-"))
        self.socket = self._directory / "sock"
        self._keeper = subprocess.Popen(
            ["sh", "-c", _KEEP, program, self._directory, storage], stdin=subprocess.PIPE, start_new_session=True
        )
        self.engine = DockerEngine(self.socket).__enter__()
        self._await()

    def _await(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                self.engine.call(lambda client: client.version())
            except EngineError:
                if time.monotonic() > deadline:
                    self._keeper.kill()
                    raise
                time.sleep(0.05)
            else:
                return

    def containers(self) -> list[Any]:
        """All there are, in whatever state."""
        return self.engine.call(lambda client: client.containers.list(all=True))

    @property
    def pid(self) -> int:
        return int((self._directory / "pid").read_text())

    def kill(self) -> None:
        """SIGKILL to the engine; its containers go on until it comes back."""
        os.kill(self.pid, signal.SIGKILL)

    def restart(self) -> None:
        assert self._keeper.stdin is not None
        self._keeper.stdin.write(b"\n")
        self._keeper.stdin.flush()
        self._await()

    def close(self) -> None:
        self.engine.__exit__(None, None, None)
        self._keeper.communicate(timeout=_START_SECONDS)

    def stop(self) -> None:
        for interface in self.engine.call(_remove_networks):
            forget_rules(interface)
        self.close()


async def _remove_networks(client: Docker) -> list[str]:
    """They would outlive the engine; the interfaces that they had."""
    found = [one for one in await client.networks.list() if one["Name"].startswith("abaco-")]
    for one in found:
        await (await client.networks.get(one["Id"])).delete()
    return [one["Options"]["com.docker.network.bridge.name"] for one in found]


def forget_rules(interface: str) -> None:
    """Have the machine's firewall say nothing of a bridge."""
    for table in ("filter", "raw"):
        base = ["iptables", "--wait", "10", "-t", table]
        shown = subprocess.run([*base, "-S"], capture_output=True, text=True, check=True).stdout
        rules = [rule.split()[1:] for rule in shown.splitlines() if f" {interface} " in rule]
        for rule in rules:
            subprocess.run([*base, "-D", *rule], check=True)
        for chain in {rule[-1] for rule in rules if rule[-1].startswith("abaco-")}:
            for step in ("-F", "-X"):  # another bridge of the server's may have it still
                subprocess.run([*base, step, chain], capture_output=True, check=False)
