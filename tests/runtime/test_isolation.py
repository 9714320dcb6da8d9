"""What a hostile container reaches: nothing but the world outside and the API."""

import http.server
import json
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from runtime.lab import Lab

from abaco.domain.execution import StopReason
from abaco.ports import FORWARDED_FROM, ContainerStartError, Mount, PreparedImage
from abaco.runtime.crun import CrunRuntime
from abaco.runtime.forwarder import Forwarder
from abaco.runtime.isolation import Isolation
from abaco.runtime.network import Network, NetworkRules, Uplink

_SLEEP = b"sleep\x00777\x00"
MakeRuntime = Callable[..., CrunRuntime]

pytestmark = pytest.mark.crun("isolation of crun's containers is made here, that of Docker's by the engine")


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
        self._server = http.server.ThreadingHTTPServer((address, 0), Handler)
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


@pytest.fixture(scope="module")
def rules() -> NetworkRules:
    return NetworkRules(IPv4Network("10.213.0.0/16"), [IPv4Network("169.254.0.0/16")])


@contextmanager
def networked(
    runtime: MakeRuntime, isolation: Isolation, network: Network | None, image: PreparedImage
) -> Iterator[Lab]:
    server = runtime(isolation=replace(isolation, network=network))
    with Lab(server.sandbox("worker2", image)) as lab:
        yield lab
    if network is not None:
        network.close()


def fetch(address: str, port: int, path: str = "/", seconds: int = 5) -> str:
    """What comes back from there, counted."""
    return (
        f"printf 'GET {path} HTTP/1.0\\r\\n\\r\\n' | nc -w {seconds} {address} {port} 2>/dev/null | tail -n 1 | wc -c"
    )


def test_the_api_on_loopback_is_reached_and_nothing_else_there(
    make_runtime: MakeRuntime, isolation: Isolation, rules: NetworkRules, shell: PreparedImage
) -> None:
    with serving("127.0.0.1") as api, serving("127.0.0.1") as secret, serving("0.0.0.0") as open_to_all:
        network = Network(Uplink(rules), Forwarder(("127.0.0.1", api.port)))
        with networked(make_runtime, isolation, network, shell) as lab:
            lab.run(fetch("127.0.0.1", api.port, "/api"))
            assert lab.seen.text.split() == ["80000"]
            assert api.heard == [FORWARDED_FROM]
            lab.seen.log = b""
            hosts = ("127.0.0.1", str(rules.subnet[1]))
            lab.run("; ".join(fetch(host, other.port) for host in hosts for other in (secret, open_to_all)))
            assert [word for word in lab.seen.text.split() if word.isdigit()] == ["0"] * 4
        assert secret.heard == open_to_all.heard == []


def test_without_a_network_the_api_is_reached_all_the_same(
    make_runtime: MakeRuntime, isolation: Isolation, shell: PreparedImage
) -> None:
    with serving("127.0.0.1") as api:
        network = Network(None, Forwarder(("127.0.0.1", api.port)))
        with networked(make_runtime, isolation, network, shell) as lab:
            lab.run(f"{fetch('127.0.0.1', api.port)}; grep -c : /proc/net/dev")
            assert lab.seen.text.split() == ["20000", "1"]


def test_the_machines_own_network_is_the_machines(
    make_runtime: MakeRuntime, isolation: Isolation, shell: PreparedImage
) -> None:
    with serving("127.0.0.1") as server, networked(make_runtime, isolation, None, shell) as lab:
        lab.run(fetch("127.0.0.1", server.port))
        assert lab.seen.text.split() == ["20000"]
        assert server.heard == ["127.0.0.1"]


@pytest.fixture
def outside() -> Iterator[tuple[str, str]]:
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
        subprocess.run(["ip", "netns", "del", name], check=True)


def test_the_world_is_reached_and_metadata_is_not(lab: Lab, outside: tuple[str, str]) -> None:
    world, metadata = outside
    socket.create_connection((metadata, 80), timeout=5).close()  # this machine does reach it
    outcome = lab.run(f"{fetch(world, 80, '/hostname')}; {fetch(metadata, 80, '/hostname')}")
    assert outcome.io > 100
    assert lab.seen.text.split() == [str(len(Path("/etc/hostname").read_text())), "0"]


def test_neighbours_do_not_reach_each_other(lab: Lab, runtime: CrunRuntime, shell: PreparedImage) -> None:
    serve = "ip -4 -o addr show eth0 | cut -d' ' -f7; mkdir /www; echo secret > /www/f; httpd -f -p 80 -h /www"
    with Lab(runtime.sandbox("worker2", shell)) as other:
        up = threading.Event()
        other.seen.heard = lambda _: up.set()
        thread = threading.Thread(target=other.run, args=(serve,))
        thread.start()
        assert up.wait(30)
        address = other.seen.text.split("/")[0]
        lab.run(fetch(address, 80, "/f"))
        assert lab.seen.text == "0\n"
        other.stop.set()
        thread.join()


def test_root_of_a_container_is_nobody_here(lab: Lab, isolation: Isolation) -> None:
    seen: list[str] = []

    def look(log: bytes) -> None:
        sleeping = (one for one in Path("/proc").glob("[0-9]*") if (one / "cmdline").read_bytes() == _SLEEP)
        seen.extend((process / "status").read_text() for process in sleeping)
        lab.stop.set()

    lab.seen.heard = look
    lab.run("id -u; ls -ldn / /bin/busybox; cat /proc/self/uid_map; sleep 777 & wait")
    assert lab.seen.text.split()[0] == "0"
    assert f"Uid:\t{isolation.first_user}\t{isolation.first_user}" in seen[0]
    assert "drwxr-xr-x" in lab.seen.text
    assert f"{isolation.first_user}" in lab.seen.text


def test_who_runs_as_a_user_of_the_machine_is_that_user_in_mounts(lab: Lab, tmp_path: Path) -> None:
    work, data = tmp_path / "work", tmp_path / "data"
    for directory in (work, data):
        directory.mkdir()
        os.chown(directory, 4321, 4322)
    for directory in tmp_path.parents:
        if directory.is_relative_to("/tmp/pytest-of-root"):
            directory.chmod(0o755)
    (data / "input").write_text("given\n")
    mounts = [Mount(str(work), "/work", read_only=False), Mount(str(data), "/corral", read_only=True)]
    outcome = lab.run(
        "id -u; id -g; cat /corral/input > /work/output; touch /corral/x; cat /work/output; id -u > /owned && echo odd",
        user=(4321, 4322),
        mounts=mounts,
    )
    assert outcome.exit_code == 1
    said = lab.seen.text.splitlines()
    assert said[:2] == ["4321", "4322"]
    assert "given" in said
    assert "touch: /corral/x: Read-only file system" in said
    assert (work / "output").stat().st_uid == 4321
    assert (work / "output").stat().st_gid == 4322


def test_a_container_fills_its_own_disk_only(lab: Lab, isolation: Isolation) -> None:
    assert isolation.disk is not None
    lab.run("dd if=/dev/zero of=/fill bs=1M count=9999 2>/dev/null; stat -c %s /fill; rm /fill; echo x > /x && cat /x")
    said = lab.seen.text.splitlines()
    assert int(said[-2]) <= isolation.disk
    assert said[-1] == "x"
    lab.seen.log = b""
    assert lab.run("stat -c %s /fill; echo fresh").exit_code == 0
    assert lab.seen.text.endswith("fresh\n")


def test_a_fork_bomb_meets_its_limit(lab: Lab) -> None:
    outcome = lab.run("bomb() { bomb | bomb & }; bomb; sleep 0.5; exit 9", pids=64, max_run_seconds=20)
    assert outcome.exit_code in {2, 9, 137}
    assert "can't fork: Resource temporarily unavailable" in lab.seen.text
    assert lab.run("true").exit_code == 0


def test_a_memory_bomb_ends_alone(lab: Lab) -> None:
    outcome = lab.run("perl -e 'while (1) { push @x, \"x\" x 1000000 }'", memory=64 << 20)
    assert outcome.reason is StopReason.OUT_OF_MEMORY
    assert lab.run("true").exit_code == 0


@pytest.mark.parametrize(
    "path",
    ["/run/abaco", "/var/lib", "/proc/1/root/etc/shadow", "/sys/firmware/dmi", "/sys/fs/cgroup/memory"],
)
def test_nothing_of_the_machine_is_there(lab: Lab, path: str) -> None:
    lab.run(f"ls {path} 2>/dev/null | head -3; cat {path} 2>/dev/null | head -c 100")
    assert lab.seen.log == b""


def test_the_machines_keys_are_masked(lab: Lab) -> None:
    assert Path("/proc/keys").read_text()
    lab.run("wc -c < /proc/keys")
    assert lab.seen.text == "0\n"


def test_what_only_administrators_may_is_refused(lab: Lab) -> None:
    calls = {
        "mount": "mount -t tmpfs x /tmp",
        "user namespace": "unshare -U true",
        "other namespaces": "unshare -m true",
        "device": "mknod /d b 7 0",
        "host name": "hostname evil",
        "kernel setting": "echo 1 > /proc/sys/kernel/panic",
        "reboot trigger": "echo b > /proc/sysrq-trigger",
        "routes": "ip route add 169.254.0.0/16 dev eth0",
        "raw packets": "ping -c 1 -W 1 10.213.0.1",
    }
    lab.run("; ".join(f"({call}) >/dev/null 2>&1 && echo '{name}'" for name, call in calls.items()))
    assert lab.seen.text == ""


def test_the_filter_of_system_calls_is_in_force(lab: Lab) -> None:
    lab.run("grep Seccomp: /proc/self/status; perl -e 'print syscall(250, 0) . \" \" . ($!+0)'")  # keyctl
    assert lab.seen.text == "Seccomp:\t2\n-1 1"


def test_a_privileged_container_is_not_isolated(lab: Lab) -> None:
    lab.run("grep -E 'CapEff|Seccomp:' /proc/self/status; mount -t tmpfs x /tmp && echo mounted", privileged=True)
    assert lab.seen.text.splitlines()[-1] == "mounted"
    assert "Seccomp:\t0" in lab.seen.text


def test_a_device_is_there_by_its_cdi_name(lab: Lab) -> None:
    file = Path("/var/run/cdi/abaco-test.json")
    node = {"path": "/dev/answers", "hostPath": "/dev/zero"}
    device = {"name": "0", "containerEdits": {"deviceNodes": [node], "env": ["ANSWERS=/dev/answers"]}}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"cdiVersion": "0.6.0", "kind": "example.com/abaco-test", "devices": [device]}))
    try:
        lab.run("head -c 3 $ANSWERS | wc -c", devices=["example.com/abaco-test=0"])
        assert lab.seen.text == "3\n"
        with pytest.raises(ContainerStartError, match="no device example"):
            lab.run("true", devices=["example.com/other=1"])
    finally:
        file.unlink()
