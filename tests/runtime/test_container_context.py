import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from runtime.conftest import MakeImage
from runtime.lab import Lab
from runtime.samples import add_accounts, add_file, add_link

from abaco.ports import ContainerStartError, PreparedImage, Runtime
from abaco.runtime.crun import CrunRuntime


def lines(lab: Lab) -> set[str]:
    return set(lab.seen.text.splitlines())


def test_the_containers_variables_override_the_images(lab: Lab) -> None:
    lab.run("tr '\\0' '\\n' < /proc/1/environ", {"BOTH": "container", "a strange-name": "ünï\ncode"})
    assert {
        "FROM_IMAGE=image",
        "BOTH=container",
        "a strange-name=ünï",
        "code",
        "PATH=/bin:/usr/bin",
        "HOME=/root",
        "HOSTNAME=execution1",
    } <= lines(lab)


@pytest.mark.crun("only crun hears of it by a pipe")
def test_a_container_may_have_nearly_all_that_the_kernel_takes(lab: Lab) -> None:
    """More than fits in the pipe at once."""
    lab.run("echo $((${#V0} + ${#V14}))", {f"V{number}": "x" * 130_000 for number in range(15)})
    assert lab.seen.text == "260000\n"


def test_the_service_sees_no_more_than_the_container_is_given(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_SERVER", "x")
    lab.run("env; cat /proc/*/environ | tr '\\0' '\\n'; ls /proc/self/fd")
    assert "SECRET" not in lab.seen.text
    assert lab.seen.text.endswith("0\n1\n2\n3\n")  # 3 is the directory that `ls` reads


def test_a_container_has_no_privileges_and_sees_no_other_processes(lab: Lab) -> None:
    lab.run(
        # The engine of Docker reads the two outputs one by one.
        "exec 2>&1; grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status; ps > /tmp/ps; wc -l < /tmp/ps;"
        "mount -t tmpfs x /tmp; mknod d c 1 1",
    )
    assert lab.seen.text.splitlines() == [
        "CapEff:\t0000000000000000",
        "CapBnd:\t0000000000000000",
        "NoNewPrivs:\t1",
        "3",
        "mount: permission denied (are you root?)",
        "mknod: d: Operation not permitted",
    ]


def test_a_container_gets_no_user_namespace_to_be_mighty_in(lab: Lab) -> None:
    """In one of its own it would have every capability: mount control groups, lift its limits, hide processes."""
    lab.run("unshare -r true; echo $?; unshare -m true; echo $?")
    assert "1" in lines(lab)
    assert "0" not in lines(lab)
    assert "Operation not permitted" in lab.seen.text


def test_a_layer_is_private_and_gone_afterwards(lab: Lab, shell: PreparedImage) -> None:
    script = (
        "exec 2>&1; cat /etc/passwd /mark | sha256sum; rm -r /home /etc/passwd; chmod 0 /tmp; echo x > /mark; ls -ld /"
    )
    lab.run(script)
    first, lab.seen.log = lab.seen.log, b""
    lab.run(script)
    assert lab.seen.log.split(b"\n")[0:2] == first.split(b"\n")[0:2]
    assert b"drwxr-xr-x" in first
    if shell.unpacked is not None:
        assert (shell.unpacked / "etc/passwd").exists()
        assert not (shell.unpacked / "mark").exists()


@pytest.mark.crun("the engine deletes its own layers, whose place is its secret")
def test_a_layer_is_deleted_whatever_is_in_it(lab: Lab, crun_runtime: CrunRuntime) -> None:
    outcome = lab.run(
        """perl -e 'mkdir "/tmp/d" or die; chdir "/tmp/d"; for (1..3000) { mkdir "d" or die; chdir "d" }'
        ln -s / /tmp/root; mkdir /tmp/closed; chmod 0 /tmp/closed""",
    )
    assert outcome.exit_code == 0
    sandboxes = crun_runtime._sandboxes
    layers = sandboxes / "worker1/disk/mapped"
    (used,) = layers.iterdir()
    lab.sandbox.prepare()
    (fresh,) = layers.iterdir()
    assert fresh != used
    lab.sandbox.close()
    assert not list(sandboxes.iterdir())
    assert Path("/etc/passwd").exists()


@pytest.mark.parametrize("size", [0, 1, 65_537, 100 << 20])
def test_binary_data_is_a_file_with_every_byte(lab: Lab, size: int) -> None:
    block = os.urandom(1 << 16)

    def chunks() -> Iterator[bytes]:
        whole, rest = divmod(size, len(block))
        yield from (block for _ in range(whole))
        yield block[:rest]

    digest = hashlib.sha256()
    for chunk in chunks():
        digest.update(chunk)
    lab.run(
        "exec 2>&1; sha256sum < /_abaco_binary_data; stat -c %a%F /_abaco_binary_data; echo x >> /_abaco_binary_data",
        binary=chunks,
    )
    said = lab.seen.text.splitlines()
    assert said[0].split()[0] == digest.hexdigest()
    assert said[1].startswith("444regular")
    assert "can't create" in said[2]


def test_without_binary_data_there_is_no_such_file(lab: Lab) -> None:
    lab.run("true", binary=lambda: iter([b"x"]))
    assert lab.run("test -e /_abaco_binary_data").exit_code == 1


def test_data_that_fails_to_come_is_an_error_and_leaves_the_sandbox_usable(lab: Lab) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"x"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        lab.run("true", binary=chunks)
    assert lab.run("true").exit_code == 0


def test_a_container_knows_itself_by_name(lab: Lab) -> None:
    assert lab.run("cat /etc/hostname; test $(hostname) = $(cat /etc/hostname)").exit_code == 0
    assert lab.seen.text == "execution1\n"


@pytest.mark.crun("Docker gives names to containers that have a network of its own")
def test_a_containers_name_stands_for_itself(lab: Lab) -> None:
    assert lab.run("nc -w 5 $(hostname) 1").exit_code == 1
    assert "bad address" not in lab.seen.text
    lab.run("grep -w $(hostname) /etc/hosts")
    assert lab.seen.text.endswith("127.0.0.1 execution1\n")


@pytest.mark.parametrize("user", ["", "1234"])
def test_output_can_be_opened_by_name(runtime: Runtime, make_image: MakeImage, user: str) -> None:
    files = ("/dev/stdout", "/dev/stderr", "/proc/self/fd/1")
    script = "set -e; " + "; ".join(f"echo {file} > {file}" for file in files)
    image = make_image(config={"Cmd": ["sh", "-c", script], "User": user})
    with Lab(runtime.sandbox("worker1", image)) as lab:
        assert lab.run().exit_code == 0
        assert set(files) <= lines(lab)


def test_the_user_given_wins(lab: Lab) -> None:
    lab.run("id -u; id -g; pwd; echo $HOME; echo written > /dev/stderr; echo x > /etc/x", user=(1000, 7))
    assert {"1000", "7", "/", "/home/alice", "written"} < lines(lab)
    assert "Permission denied" in lab.seen.text


@pytest.mark.parametrize(
    ("user", "said"),
    [
        ("alice", "1000 1001 /home/alice"),
        ("1000", "1000 1001 /home/alice"),
        ("alice:staff", "1000 50 /home/alice"),
        ("77:88", "77 88 /"),
        ("0", "0 0 /root"),
    ],
)
def test_the_images_user_is_looked_up_in_the_image(
    runtime: Runtime,
    make_image: MakeImage,
    user: str,
    said: str,
) -> None:
    command = ["sh", "-c", "echo $(id -u) $(id -g) $HOME; pwd"]
    image = make_image(add_accounts, config={"Cmd": command, "User": user, "WorkingDir": "/made/here"})
    with Lab(runtime.sandbox("worker1", image)) as lab:
        lab.run()
        assert lab.seen.text.splitlines() == [said, "/made/here"]


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../../../../../../../../../etc/passwd", "/dev/zero"])
def test_an_image_cannot_have_files_of_this_machine_read(
    runtime: Runtime,
    make_image: MakeImage,
    target: str,
) -> None:
    image = make_image(lambda tar: add_link(tar, "etc/passwd", target), config={"Cmd": ["id"], "User": "daemon"})
    with (
        Lab(runtime.sandbox("worker1", image)) as lab,
        pytest.raises(ContainerStartError, match="/etc/passwd"),
    ):
        lab.run()


def test_a_passwd_file_of_nonsense_is_a_start_error(runtime: Runtime, make_image: MakeImage) -> None:
    image = make_image(
        lambda tar: add_file(tar, "etc/passwd", b"\xff\n:::\nx:x:-1:99999999999:::\n"),
        config={"Cmd": ["id"], "User": "x"},
    )
    with (
        Lab(runtime.sandbox("worker1", image)) as lab,
        pytest.raises(ContainerStartError, match="no valid numbers"),
    ):
        lab.run()


def test_sandboxes_run_in_parallel(runtime: Runtime, shell: PreparedImage, lab: Lab) -> None:
    """Each waits for a word that comes from outside only while both are running."""
    both = threading.Barrier(2, timeout=20)
    with Lab(runtime.sandbox("worker2", shell)) as other:
        threads = [threading.Thread(target=meet, args=(each, both)) for each in (lab, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [lab.seen.text, other.seen.text] == ["up\n", "up\n"]


def meet(lab: Lab, both: threading.Barrier) -> None:
    """Stop the container once both are up."""

    def wait_and_stop(_: bytes) -> None:
        both.wait()
        lab.stop.set()

    lab.seen.heard = wait_and_stop
    lab.run("echo up; sleep 1000")
