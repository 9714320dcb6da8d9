"""Directories of the machine that containers see: what users put there leads nowhere else."""

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
