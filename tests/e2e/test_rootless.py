"""A server of an ordinary user: the same jobs, and containers as much on their own as that user can have them."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
from bench.live import _ABACO, SAMPLES, LiveServer, free_port, started, until
from runtime.world import beyond, machine_addresses

from abaco import AbacoExecutor
from abaco.client import Abaco

_NOBODY = 65534
_TUN = Path("/dev/net/tun")
_SAMPLES = ("test", "wc", "sleep_loop", "py3_func", "warm_echo")
_MEMORY = 512 << 20
_SHORT_NANOSECONDS = 20_000_000
_ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("ABACO_")}


def _as_nobody() -> list[str]:
    """The beginning of a command that is run by an ordinary user."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv") or "setpriv"
    command = [setpriv, f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"]
    if subprocess.run([*command, "test", "-r", __file__], check=False).returncode == 0:
        return command
    # These sources are for root's eyes only: by root, who in a namespace of this kind is as powerless as others.
    return [shutil.which("unshare") or "unshare", "--user", f"--map-user={_NOBODY}", f"--map-group={_NOBODY}"]


_AS_NOBODY = _as_nobody()
_FILES_ARE_NOBODYS = _AS_NOBODY[:1] == [shutil.which("setpriv")]

# What is called in containers is sent whole: there is no such module there.
cloudpickle.register_pickle_by_value(sys.modules[__name__])


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    """Where an ordinary user gets to, as they do not to pytest's directories of root."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        if os.geteuid() == 0:
            _TUN.chmod(0o666)  # as distributions have it
        if _FILES_ARE_NOBODYS:
            shutil.chown(directory, _NOBODY, _NOBODY)
        yield directory


@pytest.fixture(scope="module")
def addresses() -> list[str]:
    """The machine's before there is a container; others come and go with what runs beside this."""
    return [one for one in machine_addresses() if ":" not in one]


@pytest.fixture(scope="module")
def server(directory: Path, addresses: list[str]) -> Iterator[LiveServer]:
    (directory / "data").mkdir()
    if _FILES_ARE_NOBODYS:
        shutil.chown(directory / "data", _NOBODY, _NOBODY)
    server = LiveServer(directory / "data", prefix=_AS_NOBODY, stop_grace_seconds="1", max_pids="64")
    with started(server, *_SAMPLES):
        yield server
    assert not _containers(server)


@pytest.fixture(scope="module")
def ab(server: LiveServer) -> Iterator[Abaco]:
    with server.client() as client:
        yield client


@pytest.fixture(scope="module")
def executor(ab: Abaco) -> Iterator[AbacoExecutor]:
    with AbacoExecutor(ab, attributes={"mem_limit": f"{_MEMORY >> 20}m"}) as executor:
        yield executor


def test_the_main_jobs(ab: Abaco) -> None:
    with ab.temporary_actor("abacosamples/wc") as actor:
        assert actor.call("to be or not to be") == b'{"to": 2, "be": 2, "or": 1, "not": 1}'
    with ab.temporary_actor("abacosamples/warm_echo", hints=["warm"]) as actor:
        assert [actor.call(text) for text in ("one", "two")] == [b"one", b"two"]
        [first, second] = [run.wait() for run in actor.executions()]
    assert first.worker_id == second.worker_id


def _own() -> dict[str, Any]:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {
        "user": os.getuid(),
        "map": Path("/proc/self/uid_map").read_text().split(),
        "privileges": status["NoNewPrivs"].strip(),
        "filter": status["Seccomp"].strip(),
        "capabilities": {status[name].strip() for name in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb")},
        "processes": sorted(int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()),
        "devices": sorted(each.name for each in Path("/sys/class/net").iterdir()),
    }


def test_a_container_has_no_powers_and_sees_nobody(executor: AbacoExecutor) -> None:
    own = executor.submit(_own).result()
    assert own["user"] == 0
    assert own["map"] == ["0", "0", "1"]
    assert (own["privileges"], own["filter"]) == ("1", "2")
    assert own["capabilities"] == {"0" * 16}
    assert own["processes"] == [1]
    assert own["devices"] == ["lo", "tap0"]


def _refusals(addresses: list[tuple[str, int]]) -> list[str | None]:
    """What becomes of connections; None for one that is there."""
    found: list[str | None] = []
    for address in addresses:
        try:
            socket.create_connection(address, timeout=5).close()
            found.append(None)
        except OSError as error:
            found.append(type(error).__name__)
    return found


def test_the_machine_is_not_reached_but_the_api(
    server: LiveServer, executor: AbacoExecutor, addresses: list[str]
) -> None:
    with socket.create_server(("0.0.0.0", 0)) as service:  # all of the machine's addresses
        port = service.getsockname()[1]
        hosts = ["127.0.0.1", "10.0.2.2", *addresses]
        answers = executor.submit(_refusals, [(host, port) for host in hosts]).result()
        assert None not in answers
        with beyond() as (_, metadata):
            assert None not in executor.submit(_refusals, [(metadata, 80)]).result()
        assert executor.submit(_refusals, [("127.0.0.1", server.port)]).result() == [None]


def test_an_address_that_the_machine_gets_later_is_not_reached(executor: AbacoExecutor) -> None:
    executor.submit(_own).result()  # now there is a worker
    device, address = f"abl{os.getpid() % 100000}", "198.18.9.1"
    subprocess.run(["ip", "link", "add", device, "type", "veth"], check=True)
    try:
        with socket.create_server(("0.0.0.0", 0)) as service:
            place = [(address, service.getsockname()[1])]
            subprocess.run(["ip", "addr", "add", f"{address}/32", "dev", device], check=True)
            until(lambda: executor.submit(_refusals, place).result() == ["OSError"])  # no route
    finally:
        subprocess.run(["ip", "link", "del", device], check=True)


def test_the_world_is_reached(executor: AbacoExecutor) -> None:
    with beyond() as (world, _):
        assert executor.submit(_refusals, [(world, 80)]).result() == [None]


def _bomb() -> int:
    """How many processes there can be at once."""
    born: list[int] = []
    try:
        while len(born) < 1000:
            pid = os.fork()
            if pid == 0:
                signal.pause()
            born.append(pid)
    except BlockingIOError:
        pass
    finally:
        for pid in born:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    return len(born)


def _gulp(size: int) -> str:
    try:
        bytearray(size)
    except MemoryError:
        return "refused"
    return "given"


def test_processes_and_their_memory_are_limited(executor: AbacoExecutor) -> None:
    if _FILES_ARE_NOBODYS:  # processes of the machine's root are not counted, in whichever namespace
        assert 32 < executor.submit(_bomb).result() < 64
    assert executor.submit(_gulp, _MEMORY // 2).result() == "given"
    assert executor.submit(_gulp, 2 * _MEMORY).result() == "refused"


def _taken() -> tuple[int, int]:
    """How many inotify instances and POSIX message queues there can be."""
    library, watchers, queues = ctypes.CDLL("librt.so.1"), 0, 0
    while library.inotify_init1(0) >= 0:
        watchers += 1
    while library.mq_open(f"/q{queues}".encode(), os.O_CREAT | os.O_RDWR, 0o600, None) >= 0:
        queues += 1
    return watchers, queues


def test_a_container_leaves_others_of_what_the_kernel_gives_each_user(executor: AbacoExecutor) -> None:
    assert executor.submit(_taken).result() == (8, 1)


def _open_port_and_pings() -> int:
    with socket.create_server(("0.0.0.0", 80)) as server:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP).close()
        return int(server.getsockname()[1])


def test_every_port_can_be_bound_and_pings_be_sent(executor: AbacoExecutor) -> None:
    assert executor.submit(_open_port_and_pings).result() == 80


def test_time_is_limited_and_halting_works(ab: Abaco) -> None:
    with ab.temporary_actor("abacosamples/sleep_loop") as actor:
        message = {"sleep": 60, "iterations": 1}
        late = actor.send(message, max_run_time=1).wait()
        assert (late.exit_code, late.reason) == (137, "run time limit reached: 1 seconds")
        run = actor.send(message)
        next(run.follow())
        run.halt()
        assert run.wait().exit_code == 137


def test_cpu_time_is_counted(ab: Abaco, executor: AbacoExecutor) -> None:
    future = executor.submit(lambda: sum(range(10**7)))
    future.result()
    assert future.execution_id
    assert ab.executions.wait(executor.actor_id, future.execution_id).cpu > _SHORT_NANOSECONDS
    with ab.temporary_actor("abacosamples/wc") as actor:
        assert actor.send("a word").wait().cpu > 0


def test_a_crash_takes_the_containers_along_and_they_run_again(server: LiveServer, ab: Abaco) -> None:
    with ab.temporary_actor("abacosamples/sleep_loop") as actor:
        run = actor.send({"sleep": 2, "iterations": 1})
        next(run.follow())
        before = _containers(server)
        assert before
        server.kill("engine")
        until(lambda: not before & _containers(server))
        assert run.wait().exit_code == 0


def _containers(server: LiveServer) -> set[int]:
    found = subprocess.run(
        ["pgrep", "-f", f"^/usr/bin/crun --root={server.data}"], capture_output=True, text=True, check=False
    )
    return set(map(int, found.stdout.split()))


def test_images_for_another_user_run_as_who_there_is(ab: Abaco, server: LiveServer, directory: Path) -> None:
    project = directory / "project"
    project.mkdir()
    (project / "Dockerfile").write_text(
        'FROM abacosamples/test\nUSER 1000\nCMD ["sh", "-c", "id -u; touch /tmp/mine && echo written"]\n'
    )
    (project / "actor.toml").write_text('name = "other"\nimage = "other"\n[build]\nbases = ["abacosamples/test"]\n')
    environment = os.environ | {"ABACO_SERVER": server.url, "ABACO_TOKEN": server.token}
    command = [str(_ABACO), "deploy", str(project), "--no-test", "--builder", "none"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [actor] = [each for each in ab.actors.list() if each.name == "other"]
    assert ab.actor(actor.id).send("x").result().splitlines() == ["0", "written"]


def test_run_and_doctor_need_no_root_either(directory: Path) -> None:
    def abaco(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        environment = _ENVIRONMENT | {"HOME": str(directory), "ABACO_DATA": str(directory / "run")}
        return subprocess.run(
            [*_AS_NOBODY, _ABACO, *arguments],
            cwd=directory,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    abaco("admin", "image", "import", SAMPLES / "abacosamples_wc.tar", "abacosamples/wc")
    done = abaco("run", "abacosamples/wc", "-m", "two words")
    assert done.returncode == 0, done.stderr
    assert "Number of words is: 2" in done.stdout
    assert "crun can start them here" in abaco("doctor").stdout


def test_it_says_what_it_lacks(directory: Path) -> None:
    data = directory / "poor"
    programs = directory / "bin"
    programs.mkdir()
    for name in ("skopeo", "umoci"):
        (programs / name).symlink_to(shutil.which(name) or name)
    environment = _ENVIRONMENT | {"PATH": f"{_ABACO.parent}:{programs}"}
    options: dict[str, Any] = {"cwd": directory, "env": environment, "capture_output": True, "text": True}
    command = [str(_ABACO), "serve", "--data", str(data), "--port", str(free_port())]
    done = subprocess.run([*_AS_NOBODY, *command], **options, timeout=60, check=False)
    assert done.returncode == 5
    assert "crun, which is not installed" in done.stderr
