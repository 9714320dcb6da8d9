"""What a hostile container finds of other executions: nothing, be they of its own actor or of another."""

import ctypes
import os
import platform
from dataclasses import replace

import pytest
from runtime.conftest import MakeImage, MakeRuntime
from runtime.lab import Lab
from runtime.samples import add_accounts, add_file, add_perl
from runtime.test_container_results import SEND

from abaco.domain.execution import StopReason
from abaco.ports import PreparedImage, Runtime
from abaco.runtime.isolation import Isolation
from abaco.runtime.namespaces import UserRanges

HIDE = (
    SEND
    + r"""
for my $place ("/", "/etc/", "/tmp/", "/home/", "/dev/", "/dev/shm/", "/sys/fs/cgroup/") {
    open(F, ">", "${place}hidden") and print F $ENV{TREASURE} and close F;
}
my $memory = shmget(4711, 64, 01666); defined $memory and shmwrite($memory, $ENV{TREASURE}, 0, 64);
result($ENV{TREASURE});
"""
)
"""Leaves the treasure wherever there is room for it."""
SEEK = r"""
for place in /*; do
    case $place in /proc | /sys | /dev) ;; *) grep -rls 'treasur[e]' $place ;; esac
done
grep -rls 'treasur[e]' /dev/hidden /dev/shm /dev/mqueue /sys/fs/cgroup/hidden
grep -ls 'treasur[e]' /proc/[0-9]*/environ /proc/[0-9]*/cmdline /proc/[0-9]*/root/hidden /proc/[0-9]*/cwd/hidden
grep -s 'worker1' /proc/[0-9]*/mountinfo /proc/[0-9]*/cgroup
perl -e '$memory = shmget(4711, 64, 0); defined $memory and shmread($memory, $found, 0, 64) and print "$found\n"'
perl -e '
    rename("/_abaco_results.sock", "/mine") and print "moved\n";
    unlink("/_abaco_results.sock") and print "removed\n";
    socket(S, 1, 2, 0); bind(S, pack("S a*", 1, "/_abaco_results.sock")) and print "bound\n";
'
"""
"""Says where it has found what; prints nothing if there is nothing to be found."""


@pytest.fixture(scope="session")
def other_image(make_image: MakeImage) -> PreparedImage:
    """Another actor's: as `shell`, and one file more."""
    config = {"Entrypoint": ["sh", "-c"], "Cmd": ['eval "$MSG"'], "Env": ["PATH=/bin:/usr/bin"]}
    return make_image(add_accounts, add_perl, lambda tar: add_file(tar, "other", b"other"), config=config)


def hide(lab: Lab, then: str = "") -> str:
    """Have a container hide the treasure; what it says, which is where it finds it itself with `then` SEEK."""
    variables = {"PROGRAM": HIDE, "TREASURE": "treasure"}
    outcome = lab.run('perl -e "$PROGRAM"; ' + then, variables, binary=lambda: [b"treasure"])
    assert outcome.reason is StopReason.EXITED
    assert lab.seen.results == [b"treasure"]
    return lab.seen.text


def test_who_has_hidden_something_finds_it(lab: Lab) -> None:
    said = hide(lab, SEEK).splitlines()
    places = {"/hidden", "/etc/hidden", "/tmp/hidden", "/home/hidden", "/dev/hidden", "/dev/shm/hidden"}
    assert places | {"/_abaco_binary_data", "/proc/1/environ", "/proc/1/root/hidden"} <= set(said)
    assert any(line.strip("\0") == "treasure" for line in said)


def test_the_next_execution_of_a_worker_finds_nothing_of_the_one_before(lab: Lab) -> None:
    hide(lab, "setsid sleep 1000 &")
    lab.sandbox.prepare()
    lab.seen.log = b""
    lab.run(SEEK.replace("worker1", "worker2") + "echo done")
    assert lab.seen.text == "done\n"


@pytest.mark.parametrize("whose", ["the same actor", "another actor"])
def test_an_execution_finds_nothing_of_one_that_runs_beside_it(
    runtime: Runtime, lab: Lab, shell: PreparedImage, other_image: PreparedImage, whose: str
) -> None:
    image = shell if whose == "the same actor" else other_image
    with Lab(runtime.sandbox("worker2", image)) as beside:

        def seek(log: bytes) -> None:
            if log == b"hidden\n":
                beside.run(SEEK + "echo done")
                lab.stop.set()

        lab.seen.heard = seek
        variables = {"PROGRAM": HIDE, "TREASURE": "treasure"}
        lab.run(
            'perl -e "$PROGRAM"; echo hidden; exec sleep 1000',
            variables,
            binary=lambda: [b"treasure"],
            max_run_seconds=30,
        )
        assert beside.seen.text == "done\n"
        assert beside.seen.results == []
        assert lab.seen.results == [b"treasure"]


TAKE_ALL = r"""
perl -e '
    $| = 1;
    $watchers++ while syscall(294, 0) >= 0;
    $queues++ while syscall(240, $name = "q$queues", 66, 0600, 0) >= 0;
    while ($terminals < 999) { open(my $t, "+<", "/dev/ptmx") or last; push @t, $t; $terminals++ }
    print "$watchers $queues $terminals\n"; sleep 1000;
'
"""
"""Says how many there were of what the kernel gives each user some of, and keeps them; for x86_64."""
TAKE_ONE = r"""
perl -e 'print syscall(294, 0) >= 0, syscall(240, $name = "q", 66, 0600, 0) >= 0, open(T, "+<", "/dev/ptmx") > 0'
cut -c-21 /proc/self/uid_map
"""


def _watches() -> bool:
    """Whether this process, root of the machine, can have one of them."""
    descriptor = ctypes.CDLL(None).inotify_init1(0)
    if descriptor >= 0:
        os.close(descriptor)
    return bool(descriptor >= 0)


@pytest.mark.crun("user namespaces are Docker's own business (`userns-remap`)")
@pytest.mark.skipif(platform.machine() != "x86_64", reason="system calls have other numbers")
@pytest.mark.parametrize("shared", [False, True])
def test_what_the_kernel_gives_each_user_is_each_workers_own(
    make_runtime: MakeRuntime, isolation: Isolation, shell: PreparedImage, *, shared: bool
) -> None:
    """With users of its own for each worker, or the same ones for all, as where directories are mounted."""
    users = UserRanges(2_000_000_000, shared=shared)
    runtime = make_runtime(isolation=replace(isolation, users=users))
    with Lab(runtime.sandbox("worker1", shell)) as lab, Lab(runtime.sandbox("worker2", shell)) as beside:
        seen: list[bool] = []

        def look(log: bytes) -> None:
            if log.endswith(b"\n"):
                beside.run(TAKE_ONE)
                seen.append(_watches())
                lab.stop.set()

        lab.seen.heard = look
        lab.run(TAKE_ALL, max_run_seconds=30)
    watchers, queues, terminals = map(int, lab.seen.text.split())
    assert watchers > 1
    assert queues > 1
    assert terminals <= 256
    assert beside.seen.text.split() == ["111", "0", str(2_000_000_000 + (0 if shared else 65_536))]
    assert seen == [True]
