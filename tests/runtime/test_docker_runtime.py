"""What the Docker runtime has beyond the suite of all runtimes: its engine, its networks, what it is told."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from dockerd import Dockerd, forget_rules
from runtime.conftest import WallClock
from runtime.lab import Lab
from runtime.samples import add_accounts, busybox_layer, oci_archive

from abaco.ports import ContainerSpec, ContainerStartError, ImageRef, Mount, PreparedImage
from abaco.runtime.cgroup import instance_name
from abaco.runtime.docker.body import Surroundings, container_body
from abaco.runtime.docker.engine import DockerEngine, EngineError
from abaco.runtime.docker.images import DockerImages
from abaco.runtime.docker.network import HOST_NETWORK, Bridge, ContainerNetwork
from abaco.runtime.docker.runtime import DockerRuntime
from abaco.runtime.docker.sandbox import Terms
from abaco.runtime.unavailable import RuntimeUnavailable

NO_NETWORK = Terms(ContainerNetwork("none"), disk=None)
MakeRuntime = Callable[..., DockerRuntime]


def shell_image(images: DockerImages, directory: Path) -> PreparedImage:
    """Runs the script in the variable MSG; says that it has a volume and a health to be checked."""
    config = {
        "Entrypoint": ["sh", "-c"],
        "Cmd": ['eval "$MSG"'],
        "Env": ["PATH=/bin"],
        "Volumes": {"/volume": {}},
        "Healthcheck": {"Test": ["CMD-SHELL", "echo checked > /proc/1/fd/1"], "Interval": 1_000_000_000},
    }
    archive = directory / "shell.tar"
    oci_archive(archive, busybox_layer(add_accounts), config)
    return images.prepare(ImageRef("test:latest", images.import_archive(archive)))


@pytest.fixture(scope="module")
def docker_shell(tmp_path_factory: pytest.TempPathFactory, dockerd: Dockerd) -> PreparedImage:
    directory = tmp_path_factory.mktemp("docker")
    return shell_image(DockerImages(directory, dockerd.engine), directory)


@pytest.fixture
def docker_lab(docker_runtime: DockerRuntime, docker_shell: PreparedImage) -> Iterator[Lab]:
    with Lab(docker_runtime.sandbox("worker1", docker_shell)) as lab:
        yield lab


DOOMED = """
import json, sys
from pathlib import Path
from runtime.conftest import WallClock
from runtime.lab import Lab
from runtime.test_docker_runtime import NO_NETWORK
from abaco.ports import PreparedImage
from abaco.runtime.cgroup import instance_name
from abaco.runtime.docker.body import Surroundings, container_body
from abaco.runtime.docker.engine import DockerEngine
from abaco.runtime.docker.runtime import DockerRuntime

data, socket, digest = sys.argv[1:]
with DockerEngine(Path(socket)) as engine:
    runtime = DockerRuntime(Path(data), WallClock(), engine, NO_NETWORK)
    with Lab(runtime.sandbox("worker1", PreparedImage("test", digest, None, {}))) as lab:
        lab.seen.heard = lambda _: print("up", flush=True)
        lab.run("echo up; sleep 1000")
"""


def test_what_a_killed_engine_left_is_cleaned_up(
    make_docker_runtime: MakeRuntime, docker_shell: PreparedImage, dockerd: Dockerd, data: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", DOOMED, str(data), str(dockerd.socket), docker_shell.digest]
    environment = {"PYTHONPATH": ":".join(sys.path), "PATH": "/usr/bin"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        process.send_signal(signal.SIGKILL)
    DockerRuntime(tmp_path / "other", WallClock(), dockerd.engine, NO_NETWORK).clean()
    assert len(dockerd.containers()) == 1
    runtime = make_docker_runtime()
    assert runtime.clean() == 1
    assert (dockerd.containers(), list((data / "run" / "docker").iterdir())) == ([], [])
    assert runtime.clean() == 0


def test_nothing_of_a_container_is_left(docker_lab: Lab, dockerd: Dockerd, data: Path) -> None:
    assert docker_lab.run("echo x > /volume/x; echo checked > /dev/null").exit_code == 0
    assert dockerd.containers() == []
    assert not dockerd.engine.call(lambda client: client._query_json("volumes"))["Volumes"]
    docker_lab.sandbox.close()
    assert not list((data / "run" / "docker").iterdir())
    assert not list(Path("/sys/fs/cgroup").glob(f"**/abaco/{instance_name(data)}/worker1"))


def test_what_the_image_wants_checked_is_not(docker_lab: Lab) -> None:
    docker_lab.run("sleep 1.5")
    assert docker_lab.seen.text == ""


def test_cpu_time_is_sampled_where_the_engine_keeps_no_count(
    docker_runtime: DockerRuntime, docker_shell: PreparedImage
) -> None:
    docker_runtime._groups = None  # as with an engine that leaves control groups to systemd
    with Lab(docker_runtime.sandbox("worker1", docker_shell)) as lab:
        outcome = lab.run("while true; do :; done", max_run_seconds=3.5, stop_grace_seconds=0)
    assert 0.3e9 < outcome.cpu < 5e9


def test_mounts_are_seen_and_read_only_ones_stay(docker_lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here\n")
    mounts = [Mount(str(tmp_path), "/ro", read_only=True), Mount(str(tmp_path), "/rw", read_only=False)]
    docker_lab.run("exec 2>&1; cat /ro/file; echo x > /ro/y; echo x > /rw/z", mounts=mounts)
    assert docker_lab.seen.text.startswith("here\n")
    assert "Read-only file system" in docker_lab.seen.text
    assert (tmp_path / "z").exists()


def test_a_mount_that_is_not_there_is_a_start_error(docker_lab: Lab) -> None:
    with pytest.raises(ContainerStartError, match="/nowhere, which this server mounts at /x, does not exist"):
        docker_lab.run(mounts=[Mount("/nowhere", "/x", read_only=True)])


def test_an_engine_without_cdi_is_a_start_error(docker_lab: Lab) -> None:
    with pytest.raises(ContainerStartError, match="version 25"):
        docker_lab.run(devices=["nvidia.com/gpu=0"])


@pytest.mark.parametrize("privileged", [True, False])
def test_a_privileged_container_gets_the_engines_socket_if_it_may(*, privileged: bool) -> None:
    """A look at what the engine is asked for: where tests run, nobody may have all capabilities."""
    given = Surroundings("image", HOST_NETWORK, Path("/r"), None, {}, docker_socket=Path("/run/docker.sock"))
    asked = container_body(ContainerSpec("execution1", {}, privileged=privileged), given)["HostConfig"]
    targets = [mount["Target"] for mount in asked["Mounts"]]
    assert asked.get("Privileged", False) is privileged
    assert ("CapDrop" not in asked) is privileged
    assert ("/var/run/docker.sock" in targets) is privileged


def test_an_engine_that_goes_away_ends_the_wait_and_is_welcome_back(tmp_path: Path) -> None:
    with closing(Dockerd()) as dockerd:
        image = shell_image(DockerImages(tmp_path, dockerd.engine), tmp_path)
        runtime = DockerRuntime(tmp_path / "data", WallClock(), dockerd.engine, NO_NETWORK)
        with Lab(runtime.sandbox("worker1", image)) as lab:
            lab.seen.heard = lambda _: dockerd.kill()
            with pytest.raises(EngineError, match="does not answer"):
                lab.run("trap exit TERM; echo up; sleep 1000 & wait")
            lab.seen.heard = lambda _: None
            with pytest.raises(ContainerStartError, match="does not answer"):
                lab.run("true")
            dockerd.restart()
            assert lab.run("true").exit_code == 0
        runtime.clean()
        assert dockerd.containers() == []


def test_no_engine_is_said_with_what_to_do(tmp_path: Path) -> None:
    with DockerEngine(tmp_path / "none.sock") as engine, pytest.raises(RuntimeUnavailable, match="DOCKER_HOST="):
        engine.require()


def test_a_name_of_the_api_that_is_loopback_here_is_the_bridge_there(dockerd: Dockerd) -> None:
    network = Bridge(dockerd.engine, "test", internal=False).network("abaco.example.org")
    assert network.hosts == (f"abaco.example.org:{network.gateway}",)
    variables = {"_abaco_api_server": "https://abaco.example.org", "x": "y"}
    assert network.translated(variables) == variables


def test_firewall_rules_that_were_lost_are_made_again_for_the_next_worker(
    make_docker_runtime: MakeRuntime, docker_shell: PreparedImage, dockerd: Dockerd
) -> None:
    bridge = Bridge(dockerd.engine, "loser", internal=False)
    bridge.protect(["169.254.0.0/16"], None)
    runtime = make_docker_runtime(terms=Terms(bridge.network(""), disk=None))
    forget_rules("br-abaco-loser")
    runtime.sandbox("worker1", docker_shell).close()
    shown = subprocess.run(["iptables-save"], capture_output=True, text=True, check=True).stdout
    found = {rule.split()[1] for rule in shown.splitlines() if " br-abaco-loser " in rule}
    assert {"DOCKER-USER", "INPUT", "PREROUTING"} <= found  # beside the engine's own


def test_on_the_machines_network_nothing_is_translated() -> None:
    variables = {"_abaco_api_server": "http://127.0.0.1:8000"}
    assert HOST_NETWORK.translated(variables) == variables
