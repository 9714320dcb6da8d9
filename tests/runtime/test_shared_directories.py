"""Directories of the machine that containers see: what users put there leads nowhere else."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from runtime.lab import Lab

from abaco.ports import ContainerStartError, Mount


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Of a user, who may write there; beside it is another's, closed to all."""
    home, other = tmp_path / "jane", tmp_path / "victim"
    home.mkdir()
    (other / "docs").mkdir(parents=True)
    (other / "docs" / "letter").write_text("victim's\n")
    other.chmod(0o700)
    return home


@pytest.mark.parametrize("read_only", [True, False])
def test_what_is_mounted_is_there(lab: Lab, home: Path, *, read_only: bool) -> None:
    home.chmod(0o777)
    (home / "file").write_text("file\n")
    mounts = [Mount(str(home), "/home/jane", read_only), Mount(str(home / "file"), "/file", read_only)]
    lab.run("cat /home/jane/file /file; (echo x > /home/jane/new) 2>/dev/null && echo written", mounts=mounts)
    assert lab.seen.text == ("file\n" * 2 if read_only else "file\nfile\nwritten\n")
    assert (home / "new").exists() != read_only


def test_no_symbolic_link_is_followed(lab: Lab, home: Path) -> None:
    (home / "inbox").symlink_to("../victim/docs")
    (home / "letter").symlink_to("../victim/docs/letter")
    for source in (home / "inbox", home / "letter", home / "inbox" / "letter"):
        with pytest.raises(ContainerStartError, match=rf"^{source}, .* at /x, is a symbolic link or lies behind one"):
            lab.run("echo started", mounts=[Mount(str(source), "/x", read_only=True)])
    assert lab.seen.text == ""


def test_a_link_that_a_container_plants_is_not_followed(lab: Lab, home: Path) -> None:
    (home / "out").mkdir()
    home.chmod(0o777)
    mounts = [Mount(str(home), "/work", read_only=False), Mount(str(home / "out"), "/out", read_only=False)]
    assert lab.run(f"rm -r /work/out; ln -s {home.parent}/victim /work/out", mounts=mounts).exit_code == 0
    with pytest.raises(ContainerStartError, match=r"/out, is a symbolic link"):
        lab.run("cat /out/docs/letter", mounts=mounts)
    assert lab.seen.text == ""


def test_what_is_missing_is_said(lab: Lab, home: Path) -> None:
    for source in (home / "none", home / "none" / "x"):
        with pytest.raises(ContainerStartError, match=rf"^{source}, .* mounts at /x, does not exist$"):
            lab.run("echo started", mounts=[Mount(str(source), "/x", read_only=False)])


def test_nothing_of_them_goes_with_a_container(lab: Lab, home: Path) -> None:
    (home / "kept").touch()
    for _ in range(2):
        assert lab.run("true", mounts=[Mount(str(home), "/work", read_only=False)]).exit_code == 0
        lab.sandbox.prepare()
    lab.sandbox.close()
    assert (home / "kept").exists()
    assert "jane" not in Path("/proc/self/mountinfo").read_text()


_MACHINE = """
import os, subprocess, sys
from pathlib import Path
from abaco.runtime.kernel import CLONE_NEWNS, enter_private_mounts, unshare

unshare(CLONE_NEWNS)
subprocess.run(["mount", "--make-rshared", "/"], check=True)
theirs, ours, early = map(Path, sys.argv[1:])
mount, umount = ["mount", "-t", "tmpfs", "none"], ["umount"]
subprocess.run([*mount, early], check=True)
to_engine, to_machine = os.pipe(), os.pipe()
if os.fork() == 0:
    enter_private_mounts()
    subprocess.run([*mount, ours], check=True)
    os.write(to_machine[1], b"x")
    os.read(to_engine[0], 1)
    print(*(each.is_mount() for each in (theirs, ours, early)), flush=True)
    os._exit(0)
os.read(to_machine[0], 1)
print(ours.is_mount(), flush=True)
subprocess.run([*mount, theirs], check=True)
subprocess.run([*umount, early], check=True)
os.write(to_engine[1], b"x")
os.wait()
"""
"""On a machine of its own, as it were: mounts follow to the engine, and none of the engine's to the machine."""


def test_the_engine_sees_what_the_machine_mounts_but_not_the_other_way_round(tmp_path: Path) -> None:
    places = [tmp_path / name for name in ("theirs", "ours", "early")]
    for place in places:
        place.mkdir()
    done = subprocess.run([sys.executable, "-c", _MACHINE, *places], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["False", "True", "True", "False"]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A directory whose mounts others follow, as everything is on a machine with systemd."""
    disk = tmp_path / "disk"
    (disk / "later").mkdir(parents=True)
    subprocess.run(["mount", "--bind", disk, disk], check=True)
    subprocess.run(["mount", "--make-shared", disk], check=True)
    yield disk
    subprocess.run(["umount", "-R", disk], check=True)


@pytest.mark.crun("the engine here is in mounts of its own, as seen from this process")
def test_a_container_sees_what_is_mounted_later(lab: Lab, disk: Path) -> None:
    def mount(log: bytes) -> None:
        if log == b"up\n":
            subprocess.run(["mount", "-t", "tmpfs", "none", disk / "later"], check=True)
            (disk / "later" / "file").write_text("there\n")

    lab.seen.heard = mount
    lab.run(
        "echo up; until cat /disk/later/file 2>/dev/null; do :; done",
        mounts=[Mount(str(disk), "/disk", read_only=False)],
        max_run_seconds=20,
    )
    assert lab.seen.text == "up\nthere\n"
