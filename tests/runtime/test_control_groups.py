from pathlib import Path

import pytest

from abaco.runtime.cgroup import ControlGroup, Limits
from abaco.runtime.cgroup_v1 import CONTROLLERS, ControlGroupsV1
from abaco.runtime.cgroup_v2 import ControlGroupsV2
from abaco.runtime.crun import control_groups
from abaco.runtime.unavailable import RuntimeUnavailable


@pytest.fixture
def v2(tmp_path: Path) -> Path:
    """A directory that looks like the unified hierarchy."""
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids")
    return tmp_path


@pytest.fixture
def v1(tmp_path: Path) -> Path:
    """Separate hierarchies, but for cpu and cpuacct, which are mounted as one."""
    for name in ("memory", "cpu,cpuacct", "pids"):
        (tmp_path / name).mkdir()
    for name in ("cpu", "cpuacct"):
        (tmp_path / name).symlink_to("cpu,cpuacct")
    return tmp_path


def test_the_version_of_the_machine_is_found(v2: Path) -> None:
    assert isinstance(control_groups(v2, "instance"), ControlGroupsV2)


def test_version_1_is_found(v1: Path) -> None:
    assert isinstance(control_groups(v1, "instance"), ControlGroupsV1)


def test_missing_controllers_are_named(v1: Path) -> None:
    (v1 / "memory").rmdir()
    with pytest.raises(RuntimeUnavailable, match="memory"):
        control_groups(v1, "instance")


def worker(v2: Path) -> ControlGroup:
    """The group of one."""
    groups = ControlGroupsV2(v2, "instance")
    groups.prepare()
    return groups.group("worker1")


def written(group: ControlGroup, *names: str) -> list[str]:
    return [(group.directories[0] / name).read_text() for name in names]


def test_v2_limits(v2: Path) -> None:
    groups = ControlGroupsV2(v2, "instance")
    groups.prepare()
    for directory in (v2, v2 / "abaco", v2 / "abaco/instance"):
        assert (directory / "cgroup.subtree_control").read_text() == "+memory +cpu +pids"
    assert (v2 / "abaco/cpu.weight").read_text() == "25"
    group = groups.group("worker1")
    (v2 / "abaco/instance/worker1/memory.swap.max").touch()
    files = ("memory.max", "memory.swap.max", "cpu.max", "pids.max")
    group.limit(Limits(memory=1000, cpus=1.5, pids=7))
    assert written(group, *files) == ["1000", "0", "150000 100000", "7"]
    group.limit(Limits())
    assert written(group, *files) == ["max", "max", "max 100000", "max"]


def test_v2_without_swap_accounting(v2: Path) -> None:
    group = worker(v2)
    group.limit(Limits(memory=1000))
    assert not (group.directories[0] / "memory.swap.max").exists()


def test_v2_counters(v2: Path) -> None:
    group = worker(v2)
    (directory,) = group.directories
    (directory / "cpu.stat").write_text("usage_usec 1234\nuser_usec 1000\nsystem_usec 234\n")
    (directory / "memory.events").write_text("low 0\noom 3\noom_kill 2\noom_group_kill 0\n")
    assert (group.cpu_nanoseconds(), group.oom_kills()) == (1_234_000, 2)
    (directory / "cpu.stat").write_text("usage_usec 99\n")
    assert group.cpu_nanoseconds() == 99_000


def test_counters_are_kept_open_until_their_group_is_removed(v2: Path) -> None:
    group = worker(v2)
    (directory,) = group.directories
    (directory / "memory.events").write_text("oom_kill 1\n")

    def open_files() -> list[str]:
        return [str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]

    assert (group.oom_kills(), group.oom_kills()) == (1, 1)
    assert open_files().count(str(directory / "memory.events")) == 1
    (directory / "memory.events").rename(v2 / "former")
    group.remove()
    assert str(v2 / "former") not in open_files()


def test_v2_kills_all_at_once(v2: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    group = worker(v2)
    (directory,) = group.directories
    (directory / "cgroup.kill").touch()
    assert not group.kill()
    assert (directory / "cgroup.kill").read_text() == ""
    (directory / "cgroup.procs").write_text("4000000\n4000001\n")
    assert group.kill()
    assert (directory / "cgroup.kill").read_text() == "1"


def test_v1_limits(v1: Path) -> None:
    groups = ControlGroupsV1(v1, "instance")
    groups.prepare()
    assert (v1 / "cpu/abaco/cpu.shares").read_text() == "256"
    group = groups.group("worker1")
    assert len(group.directories) == len(CONTROLLERS) - 1
    memory = v1 / "memory/abaco/instance/worker1"
    (memory / "memory.memsw.limit_in_bytes").touch()
    group.limit(Limits(memory=1000, cpus=0.001))
    assert (memory / "memory.limit_in_bytes").read_text() == "1000"
    assert (memory / "memory.memsw.limit_in_bytes").read_text() == "1000"
    cpu = v1 / "cpu/abaco/instance/worker1"
    assert (cpu / "cpu.cfs_quota_us").read_text() == "1000"
    group.limit(Limits())
    assert (memory / "memory.limit_in_bytes").read_text() == "-1"
    assert (memory / "memory.memsw.limit_in_bytes").read_text() == "-1"
    assert (cpu / "cpu.cfs_quota_us").read_text() == "-1"


def test_groups_of_a_former_process_are_found_and_removed(v2: Path) -> None:
    groups = ControlGroupsV2(v2, "instance")
    groups.prepare()
    groups.group("worker1")
    groups.group("worker2")
    for group in groups.existing():
        group.remove()
    assert not [path for path in (v2 / "abaco/instance").iterdir() if path.is_dir()]
    assert not list(groups.existing())


def test_processes_that_do_not_end_are_reported(v2: Path) -> None:
    group = worker(v2)
    (group.directories[0] / "cgroup.procs").write_text("4000000\n")
    with pytest.raises(TimeoutError, match="4000000"):
        group.kill_all(patience_seconds=0.01)
