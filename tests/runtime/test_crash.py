import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from runtime.conftest import WallClock
from runtime.lab import Lab

from abaco.ports import PreparedImage
from abaco.runtime.cgroup import ControlGroup, instance_name
from abaco.runtime.cgroup_v2 import ControlGroupV2
from abaco.runtime.crun import CrunRuntime
from abaco.runtime.isolation import Isolation

DOOMED = """
import json, sys
from pathlib import Path
from runtime.conftest import WallClock, make_isolation
from runtime.lab import Lab
from abaco.ports import PreparedImage
from abaco.runtime.crun import CrunRuntime
from abaco.runtime.kernel import enter_private_mounts

enter_private_mounts()
data, name, digest, rootfs, config = sys.argv[1:]
image = PreparedImage(name, digest, Path(rootfs), json.loads(config))
with Lab(CrunRuntime(Path(data), WallClock(), make_isolation()).sandbox("worker1", image)) as lab:
    lab.seen.heard = lambda _: print("up", flush=True)
    lab.run("echo up; sleep 1000")
"""


@pytest.fixture
def killed_engine(data: Path, shell: PreparedImage) -> None:
    """A process that ran a container in `data` has been killed, and could clean up nothing."""
    arguments = [str(data), shell.name, shell.digest, str(shell.rootfs), json.dumps(shell.config)]
    path = os.pathsep.join(sys.path)
    with subprocess.Popen(
        [sys.executable, "-c", DOOMED, *arguments],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": path},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        process.send_signal(signal.SIGKILL)


@pytest.mark.crun("Docker's is in test_docker_runtime.py: it leaves other things behind")
def test_what_a_killed_engine_left_is_cleaned_up(
    killed_engine: None,
    make_runtime: Callable[..., CrunRuntime],
    data: Path,
    shell: PreparedImage,
) -> None:
    runtime = make_runtime()
    assert runtime.clean() == 1
    assert not list((data / "run" / "sandboxes").iterdir())
    assert not list(Path("/sys/fs/cgroup").glob(f"**/abaco/{instance_name(data)}/*/"))
    assert runtime.clean() == 0
    with Lab(runtime.sandbox("worker1", shell)) as lab:
        assert lab.run("echo again").exit_code == 0


@pytest.mark.crun("Docker's control groups are in test_docker_runtime.py")
def test_a_runtime_that_is_closed_leaves_nothing_on_the_machine(
    make_runtime: Callable[..., CrunRuntime], data: Path, shell: PreparedImage
) -> None:
    def traces() -> list[Path]:
        name = instance_name(data)
        groups = Path("/sys/fs/cgroup")
        places = [*groups.glob("*/abaco"), groups / "abaco", Path("/run/abaco")]
        return [place / name for place in places if (place / name).exists()]

    runtime = make_runtime()
    with Lab(runtime.sandbox("worker1", shell)) as lab:
        assert lab.run("echo here").exit_code == 0
        assert len(traces()) > 1
    runtime.close()
    assert not traces()


@pytest.mark.crun("Docker's engine has to kill its containers itself")
def test_what_cannot_be_killed_keeps_nobody_from_starting(
    killed_engine: None, make_runtime: Callable[..., CrunRuntime], data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = make_runtime()
    told: list[str] = []
    with monkeypatch.context() as patched:
        patched.setattr(ControlGroup, "kill", lambda *_, **__: True)
        patched.setattr(ControlGroupV2, "kill", lambda *_, **__: True)
        assert runtime.clean(told.append) == 0
    assert ["do not end" in text and instance_name(data) in text for text in told] == [True]
    assert not list((data / "run" / "sandboxes").iterdir())
    assert runtime.clean() == 1


def test_another_servers_containers_are_left_alone(
    lab: Lab,
    tmp_path: Path,
    isolation: Isolation,
) -> None:
    other = CrunRuntime(tmp_path / "other", WallClock(), isolation)

    def clean_the_other(_: bytes) -> None:
        other.clean()
        lab.stop.set()

    lab.seen.heard = clean_the_other
    assert lab.run("echo up; sleep 1000").exit_code == 137


@pytest.mark.crun("it is about crun")
def test_crun_killed_alone_leaves_nothing_behind(lab: Lab, runtime: CrunRuntime, data: Path) -> None:
    def kill_crun(_: bytes) -> None:
        group = runtime._groups.group("worker1")
        crun = [pid for pid in group.pids() if b"crun" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        os.kill(crun[0], signal.SIGKILL)

    lab.seen.heard = kill_crun
    assert lab.run("echo up; sleep 1000").exit_code == 137
    lab.sandbox.prepare()
    assert not list((runtime._place / "state").iterdir())
    lab.seen.heard = lambda _: None
    assert lab.run("true").exit_code == 0
