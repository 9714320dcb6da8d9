"""What a hostile container can do to the machine that it runs on: nothing."""

import errno
import json
import os
import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from bench.live import until
from runtime.lab import Lab

from abaco.domain.execution import StopReason
from abaco.ports import ContainerStartError, Mount
from abaco.runtime.isolation import Isolation

_SLEEP = b"sleep\x00777\x00"


def _sleepers() -> Iterator[str]:
    """What the machine says of each process that the test has had started."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            if (process / "cmdline").read_bytes() == _SLEEP:
                yield (process / "status").read_text()


@pytest.mark.crun("user namespaces are Docker's own business (`userns-remap`)")
def test_root_of_a_container_is_nobody_here(lab: Lab, isolation: Isolation) -> None:
    seen: list[str] = []

    def is_found() -> bool:
        seen.extend(_sleepers())
        return bool(seen)

    def look(log: bytes) -> None:
        if b"ready\n" in log:
            until(is_found)
            lab.stop.set()

    lab.seen.heard = look
    lab.run("id -u; ls -ldn / /bin/busybox; cat /proc/self/uid_map; sleep 777 & echo ready; wait")
    assert lab.seen.text.split()[0] == "0"
    assert isolation.users is not None
    assert f"Uid:\t{isolation.users.first}\t{isolation.users.first}" in seen[0]
    assert "drwxr-xr-x" in lab.seen.text
    assert f"{isolation.users.first}" in lab.seen.text


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
        "exec 2>&1; id -u; id -g; cat /corral/input > /work/output; touch /corral/x; cat /work/output; "
        "id -u > /owned && echo odd",
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


@pytest.mark.crun("few of Docker's storage drivers limit a layer")
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


def test_nothing_of_the_machine_is_there(lab: Lab, data: Path) -> None:
    here = [data, Path(__file__), Path("/var/lib/dpkg"), Path("/run")]
    assert all(place.exists() for place in here)
    sockets = ["/run/docker.sock", "/var/run/docker.sock", "/run/containerd", "/run/abaco", "/run/postgresql"]
    places = [*map(str, here), *sockets, "/etc/shadow", "/sys/firmware/dmi"]
    roots = ["", "/proc/1/root", "/proc/1/cwd", "/proc/self/root/..", "/.."]
    lab.run("; ".join(f"ls -d '{root}{place}'; cat '{root}{place}'" for place in places for root in roots) + "; echo x")
    assert [line for line in lab.seen.text.splitlines() if ": No such file or directory" not in line] == ["x"]


def test_no_process_of_the_machine_is_seen_or_hit(lab: Lab) -> None:
    with subprocess.Popen(["sleep", "1000"], env={"TREASURE": "machine"}) as process:
        place = f"/proc/{process.pid}"
        lab.run(
            f"(kill -9 {process.pid}; ls -d {place}; cat {place}/environ) 2>/dev/null; "
            "grep -ls TREASUR[E] /proc/[0-9]*/environ; echo looked; [ $$ = 1 ] && ls -d /proc/[0-9]*"
        )
        assert process.poll() is None
        process.kill()
    said, _, processes = lab.seen.text.partition("looked\n")
    assert said == ""
    assert 1 <= len(processes.split()) <= 3


def test_sockets_of_the_machine_are_elsewhere(lab: Lab) -> None:
    with socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind(f"\0abaco-test-{os.getpid()}")
        abstract.listen()
        name = rf'"\0abaco-test-{os.getpid()}"'
        connect = f"socket(S, 1, 1, 0); print connect(S, pack('S a*', 1, {name})) ? 'reached' : $!+0"
        lab.run('wc -l < /proc/net/unix; perl -e "$PROGRAM"', {"PROGRAM": connect})
    assert lab.seen.text == f"1\n{errno.ECONNREFUSED}"


def test_control_groups_are_the_containers_own_and_as_they_are(lab: Lab) -> None:
    lab.run(
        "cut -d: -f3 /proc/self/cgroup | sort -u; grep -c worker1 /proc/self/cgroup; "
        "for file in $(find /sys/fs/cgroup -name '*procs' -o -name '*max*' -o -name '*limit*'); do "
        "(echo 0 > $file) 2>/dev/null && echo $file; done; mkdir /sys/fs/cgroup/*/x 2>/dev/null && echo made"
    )
    assert lab.seen.text == "/\n0\n"


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
        # Opened only: a machine whose protection fails is to live on.
        "kernel setting": ": > /proc/sys/kernel/panic",
        "reboot trigger": ": > /proc/sysrq-trigger",
        "routes": "ip route add 169.254.0.0/16 dev lo",
        "raw packets": "perl -e 'socket(S, 2, 3, 1) or exit 1'",
    }
    lab.run("; ".join(f"({call}) >/dev/null 2>&1 && echo '{name}'" for name, call in calls.items()))
    assert lab.seen.text == ""


@pytest.mark.parametrize("user", [None, (4321, 4322)])
def test_every_port_can_be_bound_and_pings_be_sent(lab: Lab, user: tuple[int, int] | None) -> None:
    bind = 'socket(S, 2, 1, 0); print bind(S, pack("S n x12", 2, 80)) ? "bound " : "$! "'
    ping = 'print socket(P, 2, 2, 1) ? "pings" : $!'
    lab.run(f"perl -e '{bind}; {ping}'", user=user)
    assert lab.seen.text == "bound pings"


def test_the_filter_of_system_calls_is_in_force(lab: Lab) -> None:
    lab.run("grep Seccomp: /proc/self/status; perl -e 'print syscall(250, 0) . \" \" . ($!+0)'")  # keyctl
    assert lab.seen.text == "Seccomp:\t2\n-1 1"


def _32_bit_program() -> bytes:
    """Opens an AF_VSOCK socket by `socketcall`, whose arguments lie in memory; its exit code is the errno."""
    place, header = 0x08048000, 84
    calls = "b866000000 bb01000000 b9{} cd80 f7d8 89c3 b801000000 cd80"
    length = len(bytes.fromhex(calls.format("00000000")))
    code = bytes.fromhex(calls.format(struct.pack("<I", place + header + length).hex()))
    code += struct.pack("<3I", socket.AF_VSOCK, socket.SOCK_STREAM, 0)
    size = header + len(code)
    elf = struct.pack("<16sHHIIIIIHHHHHH", b"\x7fELF\1\1\1", 2, 3, 1, place + header, 52, 0, 0, 52, 32, 1, 40, 0, 0)
    return elf + struct.pack("<8I", 1, 0, place, place, size, size, 5, 4096) + code


@pytest.mark.crun("Docker has a profile of its own")
def test_sockets_are_those_of_networks_and_programs_only(lab: Lab) -> None:
    lab.run(
        "perl -e 'for (0..99) { for my $kind (1, 2, 3, 5) { socket(S, $_, $kind, 0) and print \"$_ \" and last } }'"
    )
    assert set(lab.seen.text.split()) >= {"1", "2", "16"}
    assert set(lab.seen.text.split()) <= {"1", "2", "10", "16"}
    lab.seen.log = b""
    lab.run("cat /_abaco_binary_data > /x; chmod +x /x; /x; echo $?", binary=lambda: iter([_32_bit_program()]))
    assert lab.seen.text.split()[-1] in {str(errno.EAFNOSUPPORT), "126", "127"}  # or there are no such programs here


@pytest.mark.crun("where tests run, nobody has all capabilities, which Docker gives or refuses to start")
def test_a_privileged_container_is_not_isolated(lab: Lab) -> None:
    lab.run("grep -E 'CapEff|Seccomp:' /proc/self/status; mount -t tmpfs x /tmp && echo mounted", privileged=True)
    assert lab.seen.text.splitlines()[-1] == "mounted"
    assert "Seccomp:\t0" in lab.seen.text


@pytest.mark.crun("Docker finds CDI devices itself, if it is told to")
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
