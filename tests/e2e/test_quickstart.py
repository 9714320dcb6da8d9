"""The commands of every page that has sessions, in order, against a real server: they work and print what is said.

Blocks marked `shell session` or `python session` are run; an `output` block says what those before it, since the last
one, must print. In it `...` stands for anything within a line, and alone in a line for any number of lines.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from bench.live import LiveServer
from docs.pages import ROOT, blocks, markdown_files

from abaco.client import Abaco

_ADDRESS = "http://127.0.0.1:8000"
_BETWEEN = "--- the outputs of two blocks are told apart by this line ---"
_SECONDS = 600
_USERS = ("alice", "ada", "bob")
_PAGES = {path.relative_to(ROOT).as_posix(): blocks(path.read_text("utf-8")) for path in markdown_files()}


def _languages(page: str) -> set[str]:
    """Those in which the page has sessions."""
    return {block.info[0] for block in _PAGES[page] if block.info[1:] == ("session",)}


def _script(page: str, language: str) -> tuple[str, list[str]]:
    """All sessions as one script, and the output that is expected between each two separators."""
    say = "echo '{}'" if language == "shell" else "print('{}')"
    commands, expected = ["set -eu"] if language == "shell" else [], []
    for block in _PAGES[page]:
        if block.info == (language, "session"):
            commands.append(block.text)
        elif block.info == ("output",):
            commands.append(say.format(_BETWEEN))
            expected.append(block.text)
    return "\n".join(commands), expected


def _pattern(expected: str) -> re.Pattern[str]:
    lines = [r"(?:.*\n)*?" if line.strip() == "..." else _line(line) for line in expected.splitlines()]
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


@pytest.fixture(scope="session")
def tokens(server: LiveServer) -> dict[str, str]:
    """Of the pages' users, who are made here."""
    added = [("user", "add", name, "--password", "correct horse") for name in _USERS]
    said = server.administer([*added, *(("token", name) for name in _USERS)])
    return dict(zip(_USERS, said.splitlines()[-len(_USERS) :], strict=True))


@pytest.fixture
def home(server: LiveServer, tokens: dict[str, str], tmp_path: Path) -> Path:
    """A configuration directory; the pages' users have no actors yet, whichever page came first."""
    for name, token in tokens.items():
        with Abaco(server.url, token) as ab:
            for actor in ab.actors.list():
                if actor.owner == name:
                    ab.actors.delete(actor.id)
    return tmp_path / "config"


@pytest.mark.parametrize("page", [page for page in _PAGES if _languages(page)])
def test_the_commands_of_the_page_do_what_it_says(
    page: str, server: LiveServer, home: Path, request: pytest.FixtureRequest
) -> None:
    (language,) = _languages(page)
    script, expected = _script(page, language)
    if "py3_sci_base_func" in script:
        request.getfixturevalue("sci_image")
    assert expected
    outputs = _run([sys.executable] if language == "python" else ["bash"], script, server, home)
    for wanted, printed in zip(expected, outputs, strict=False):
        assert _pattern(wanted).fullmatch(printed), f"{page} says:\n{wanted}\nthe commands print:\n{printed}"
