"""The commands of the README and of the guides, in order, against a real server: they work and print what is said.

Blocks marked `shell session` or `python session` are run; an `output` block says what those before it, since the last
one, must print. In it `...` stands for anything within a line, and a line of nothing else for any number of lines.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from bench.live import LiveServer
from docs.pages import ROOT, blocks

from abaco.client import Abaco

_ADDRESS = "http://127.0.0.1:8000"
_BETWEEN = "--- the outputs of two blocks are told apart by this line ---"
_SECONDS = 600
_PYTHON = {"docs/guide-clients.md", "docs/guide-executor.md"}


def _script(page: str, language: str) -> tuple[str, list[str]]:
    """All sessions as one script, and the output that is expected between each two separators."""
    say = "echo '{}'" if language == "shell" else "print('{}')"
    commands, expected = ["set -eu"] if language == "shell" else [], []
    for block in blocks(page):
        if block.info == (language, "session"):
            commands.append(block.text)
        elif block.info == ("output",):
            commands.append(say.format(_BETWEEN))
            expected.append(block.text)
    return "\n".join(commands), expected


def _pattern(expected: str) -> re.Pattern[str]:
    lines = [r"(?:.*\n)*?" if line == "..." else _line(line) for line in expected.splitlines()]
    # The last line may lack its end: a result is printed as it is.
    return re.compile("".join(lines).removesuffix(r"\n") + r"\s*")


def _line(line: str) -> str:
    """Columns of a table are as wide as their contents, so any run of spaces is as good as another."""
    words = [re.escape(word).replace(re.escape("..."), r".*") for word in line.split()]
    return r"[ ]*" + r"[ ]+".join(words) + r"[ ]*\n"


def _run(shell: list[str], script: str, server: LiveServer, home: Path) -> list[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ABACO_")}
    environment |= {
        "PATH": f"{Path(sys.executable).parent}:{environment['PATH']}",
        "XDG_CONFIG_HOME": str(home),
        "AGAVE_CACHE_DIR": str(home),
        "ABACO_DATA": str(server.data),
    }
    done = subprocess.run(
        [*shell, "-c", script.replace(_ADDRESS, server.url)],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout.replace(server.url, _ADDRESS).split(f"{_BETWEEN}\n")


@pytest.fixture
def home(server: LiveServer, tmp_path: Path) -> Path:
    """A configuration directory; the pages' users have no actors yet, whichever page came first."""
    for name in ("alice", "ada"):
        server.admin("user", "add", name, "--password", "correct horse")
        with Abaco(server.url, server.admin("token", name)) as ab:
            for actor in ab.actors.list():
                ab.actors.delete(actor.id)
    return tmp_path / "config"


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "docs/quickstart.md",
        "docs/guide-images.md",
        "docs/guide-clients.md",
        "docs/guide-executor.md",
    ],
)
def test_the_commands_of_the_page_do_what_it_says(
    page: str, server: LiveServer, home: Path, request: pytest.FixtureRequest
) -> None:
    text = (ROOT / page).read_text("utf-8")
    if "py3_sci_base_func" in text:
        request.getfixturevalue("sci_image")
    language, shell = ("python", [sys.executable]) if page in _PYTHON else ("shell", ["bash"])
    script, expected = _script(text, language)
    assert expected
    outputs = _run(shell, script, server, home)
    for wanted, printed in zip(expected, outputs, strict=False):
        assert _pattern(wanted).fullmatch(printed), f"{page} says:\n{wanted}\nthe commands print:\n{printed}"
