import resource
import threading
import time

import pytest
from runtime.lab import Lab

from abaco.domain.execution import StopReason
from abaco.ports import ContainerStartError, PreparedImage, Runtime

GRAB_200_MB = 'perl -e \'$x = "x" x 200_000_000; print "grabbed"\''
CATCH_TERM = """perl -e '$| = 1; $SIG{TERM} = sub { print "caught\n"; exit 7 }; print "up\n"; sleep 1000'"""
IGNORE_TERM = """perl -e '$| = 1; $SIG{TERM} = "IGNORE"; print "up\n"; sleep 1000'"""


def test_memory_beyond_the_limit_ends_the_container(lab: Lab) -> None:
    outcome = lab.run("exec " + GRAB_200_MB, memory=64 << 20)
    assert (outcome.reason, outcome.exit_code) == (StopReason.OUT_OF_MEMORY, 137)


def test_a_memory_limit_is_undone_for_the_next_container(lab: Lab) -> None:
    lab.run(GRAB_200_MB, memory=64 << 20)
    assert lab.run(GRAB_200_MB, memory=400 << 20).exit_code == 0
    assert lab.run(GRAB_200_MB, memory=64 << 20).exit_code == 137
    assert lab.run(GRAB_200_MB).reason is StopReason.EXITED
    assert lab.seen.text.count("grabbed") == 2


def test_a_container_that_survives_the_death_of_a_child_has_just_exited(lab: Lab) -> None:
    outcome = lab.run(f"{GRAB_200_MB}; echo survived; exit 3", memory=64 << 20)
    assert (outcome.reason, outcome.exit_code) == (StopReason.EXITED, 3)
    assert "survived" in lab.seen.text


@pytest.mark.parametrize("memory", [4096, 1 << 20, 2 << 20, 3 << 20])
def test_memory_too_small_to_start_ends_in_good_order(lab: Lab, memory: int) -> None:
    try:
        outcome = lab.run("cat /dev/zero | tail", memory=memory)
    except ContainerStartError:
        return
    assert outcome.reason is StopReason.OUT_OF_MEMORY


def test_processes_are_limited(lab: Lab) -> None:
    # Docker's runc is itself a program of many threads, all counted until it becomes the image's command.
    lab.run("for i in $(seq 80); do sleep 1000 & done; echo all", pids=50)
    assert "all" not in lab.seen.text
    assert "can't fork" in lab.seen.text
    lab.seen.log = b""
    lab.run("for i in $(seq 80); do sleep 1000 & done; echo all")
    assert lab.seen.text == "all\n"


@pytest.mark.crun("Docker's engine has a setting of its own")
def test_open_files_are_as_programs_count_on_and_can_be_more(lab: Lab) -> None:
    lab.run("ulimit -Sn; ulimit -Hn")
    assert lab.seen.text.split() == ["1024", str(resource.getrlimit(resource.RLIMIT_NOFILE)[1])]


def test_cpu_time_is_counted_and_limited(lab: Lab) -> None:
    work = "perl -e 'do { 1 for 1..100_000 } while times < 0.3'"
    outcome = lab.run(work)
    assert 0.25e9 < outcome.cpu < 1e9
    started = time.monotonic()
    lab.run(work, cpus=0.25)
    assert time.monotonic() - started > 0.8


def test_at_the_time_limit_a_container_may_end_by_itself(lab: Lab) -> None:
    outcome = lab.run("exec " + CATCH_TERM, max_run_seconds=0.3)
    assert (outcome.reason, outcome.exit_code, lab.seen.text) == (StopReason.TIMED_OUT, 7, "up\ncaught\n")


@pytest.mark.parametrize("script", ["echo up; sleep 1000", "exec " + IGNORE_TERM])
def test_a_container_that_ignores_the_time_limit_is_killed(lab: Lab, script: str) -> None:
    outcome = lab.run(script, max_run_seconds=0.2, stop_grace_seconds=0.2)
    assert (outcome.reason, outcome.exit_code, lab.seen.text) == (StopReason.TIMED_OUT, 137, "up\n")


def test_a_stop_kills_at_once(lab: Lab) -> None:
    outcome = lab.run_and_stop_at(b"up", "exec " + IGNORE_TERM, stop_grace_seconds=1000)
    assert (outcome.reason, outcome.exit_code) == (StopReason.HALTED, 137)


def test_a_stop_during_the_grace_kills_at_once(lab: Lab) -> None:
    script = """perl -e '$| = 1; $SIG{TERM} = sub { print "caught\n" }; sleep 1000 while 1'"""
    outcome = lab.run_and_stop_at(b"caught", "exec " + script, max_run_seconds=0.3, stop_grace_seconds=1000)
    assert (outcome.reason, outcome.exit_code) == (StopReason.TIMED_OUT, 137)


def test_a_stop_requested_before_the_start_is_heeded(lab: Lab) -> None:
    lab.stop.set()
    for _ in range(10):
        assert lab.run("sleep 1000").reason is StopReason.HALTED


def test_a_fork_bomb_can_be_stopped(lab: Lab) -> None:
    # In a subshell, as the first shell must live on: one that cannot fork, ends.
    script = "bomb() { bomb | bomb & }; (bomb) & exec sleep 1000"
    outcome = lab.run(script, pids=200, max_run_seconds=0.5, stop_grace_seconds=0.1)
    assert outcome.reason is StopReason.TIMED_OUT


def test_closing_a_sandbox_kills_what_runs_in_it(runtime: Runtime, shell: PreparedImage) -> None:
    sandbox = runtime.sandbox("worker1", shell)
    with Lab(sandbox) as lab:
        closer = threading.Thread(target=sandbox.close)
        lab.seen.heard = lambda _: closer.start()
        assert lab.run("echo up; sleep 1000").exit_code == 137
        closer.join()
        with pytest.raises(ContainerStartError):
            lab.run()
