"""What `abaco run` refuses before it makes a container."""

from pathlib import Path

import pytest

from abaco.cli.main import run

from .test_cli import Capture, one_error_line


@pytest.mark.parametrize(
    ("content", "option", "text"),
    [
        (b"\xff", "--state", "is not JSON"),
        (b"{", "--state", "is not JSON"),
        (None, "--state", "--state cannot be read"),
        (None, "--file", "--file cannot be read"),
    ],
)
def test_files_that_cannot_be_read(
    tmp_path: Path, capsys: Capture, content: bytes | None, option: str, text: str
) -> None:
    """A directory, or `content`."""
    file = tmp_path / "given"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    message = [] if option == "--file" else ["--message", "hi"]
    data = tmp_path / "data"
    assert run(["run", "some/image", option, str(file), *message, "--data", str(data)]) == 2
    assert text in one_error_line(capsys)
    assert not data.exists()


def test_a_file_that_is_not_there(tmp_path: Path, capsys: Capture) -> None:
    assert run(["run", "some/image", "--file", str(tmp_path / "no"), "--data", str(tmp_path / "data")]) == 2
    assert "--file cannot be read" in one_error_line(capsys)
