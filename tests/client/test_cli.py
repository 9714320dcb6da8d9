"""The command line as a whole: logins, errors, exit codes, server verbs."""

import io
import stat
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import httpx
import pytest
import typer

from abaco.cli.main import run

from .conftest import RunAbaco
from .fake_server import TOKEN, URL, FakeServer

Capture = pytest.CaptureFixture[str]


def one_error_line(capsys: Capture) -> str:
    err = capsys.readouterr().err
    assert err.startswith("abaco: error: ")
    assert err.count("\n") == 1
    return err


def test_login_checks_stores_and_serves_later_verbs(server: FakeServer, home: Path, capsys: Capture) -> None:
    assert run(["login", "--server", f"{URL}/", "--token", TOKEN], transport=server.transport) == 0
    file = home / ".config/abaco/config.toml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert run(["actors", "list"], transport=server.transport) == 0
    out = capsys.readouterr()
    assert TOKEN not in out.out + out.err


def test_login_follows_xdg_and_replaces_a_readable_file(
    server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    file = tmp_path / "xdg/abaco/config.toml"
    file.parent.mkdir(parents=True)
    file.write_text("")
    file.chmod(0o644)
    assert run(["login", "--server", URL, "--token", TOKEN], transport=server.transport) == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in file.parent.iterdir()] == ["config.toml"]


def test_login_reads_a_piped_token(server: FakeServer, home: Path, stdin: Any) -> None:
    stdin(f"{TOKEN}\n".encode())
    assert run(["login", "--server", URL], transport=server.transport) == 0
    assert TOKEN in (home / ".config/abaco/config.toml").read_text()


def test_login_stores_nothing_the_server_refuses(server: FakeServer, home: Path, capsys: Capture) -> None:
    assert run(["login", "--server", URL, "--token", "wr0ng"], transport=server.transport) == 4
    assert "wr0ng" not in one_error_line(capsys)
    assert not (home / ".config").exists()


def test_options_override_environment_overrides_file(
    server: FakeServer, abaco: RunAbaco, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert abaco("--token", "other", "actors", "list") == 4
    assert "'abaco login'" in one_error_line(capsys)
    assert abaco("--server", "http://else.test", "actors", "list") == 0
    assert server.requests[-1].url.host == "else.test"
    assert abaco("login") == 0
    monkeypatch.setenv("ABACO_SERVER", "http://third.test")
    assert abaco("actors", "list") == 0
    assert server.requests[-1].url.host == "third.test"


def test_a_stored_token_goes_to_its_own_server_only(server: FakeServer, capsys: Capture) -> None:
    assert run(["login", "--server", URL, "--token", TOKEN], transport=server.transport) == 0
    server.requests.clear()
    assert run(["--server", "http://evil.test", "actors", "list"], transport=server.transport) == 4
    assert "no token is known for http://evil.test" in one_error_line(capsys)
    assert server.requests == []


@pytest.mark.parametrize("content", ["server = ", 'server = "http://x"', "server = 3\ntoken = 4", "\x00"])
def test_a_damaged_login_file(home: Path, capsys: Capture, content: str) -> None:
    (home / ".config/abaco").mkdir(parents=True)
    (home / ".config/abaco/config.toml").write_text(content)
    assert run(["actors", "list"]) == 2
    assert "is damaged" in one_error_line(capsys)


def test_without_a_login(capsys: Capture) -> None:
    assert run(["actors", "list"]) == 4
    assert "no server is known" in one_error_line(capsys)


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["actors", "show", "nobody"], 3, "there is no actor 'nobody'"),
        (["executions", "halt", "wc", "Exec000000009"], 6, "is COMPLETE"),
        (["executions", "show", "wc", "Exec000000008"], 3, "No execution"),
        (["sned"], 2, "Did you mean 'send'"),
        (["actors", "list", "--nope"], 2, "abaco actors list --help"),
        (["actors", "create"], 2, "IMAGE"),
        (["actors", "create", "i", "--max-cpus", "many"], 2, "--max-cpus"),
        (["actors", "create", "i", "--env", "NOVALUE"], 2, "NAME=VALUE"),
        (["actors", "create", "i", "--env-file", "/nonexistent"], 2, "cannot be read"),
        (["actors", "list", "-o", "xml"], 2, "xml"),
        (["search", "actors", "status.in=READY"], 2, "write it behind -w"),
    ],
)
def test_error_lines_and_exit_codes(
    server: FakeServer, abaco: RunAbaco, capsys: Capture, arguments: list[str], code: int, text: str
) -> None:
    server.add_actor("Actor00000001", name="wc")
    server.add_execution("Actor00000001", "Exec000000009", status="COMPLETE")
    assert abaco(*arguments) == code
    assert text in one_error_line(capsys)


def test_an_unreachable_server(server: FakeServer, abaco: RunAbaco, capsys: Capture) -> None:
    server.failures = [httpx.ConnectError("refused")] * 9
    assert abaco("actors", "list") == 5
    assert f"{URL} did not answer" in one_error_line(capsys)


def test_ctrl_c(server: FakeServer, abaco: RunAbaco, capsys: Capture) -> None:
    server.failures = [KeyboardInterrupt()]  # type: ignore[list-item]
    assert abaco("actors", "list") == 130
    assert capsys.readouterr().err.strip() == ""


def test_our_own_mistakes_are_one_line_too(server: FakeServer, abaco: RunAbaco, capsys: Capture) -> None:
    server.failures = [RuntimeError("two\nlines \x1b[31m")]
    assert abaco("actors", "list") == 1
    assert "unexpected RuntimeError: two lines" in (line := one_error_line(capsys))
    assert "\x1b" not in line


def test_help_lists_every_verb_and_the_exit_codes(capsys: Capture) -> None:
    assert run(["--help"]) == 0
    out = capsys.readouterr().out
    verbs = [
        "login",
        "actors",
        "send",
        "executions",
        "explain",
        "logs",
        "results",
        "state",
        "serve",
        "admin",
        "settings",
    ]
    assert all(verb in out for verb in verbs)
    assert "Exit codes" in out
    assert "engine" not in out.replace("HTTP and engine", "")


@pytest.mark.parametrize(
    "verb",
    [
        *("login", "send", "explain", "logs", "results", "state get", "state set"),
        *(f"actors {verb}" for verb in ("list", "show", "create", "update", "delete")),
        *(f"executions {verb}" for verb in ("list", "show", "halt")),
    ],
)
def test_every_verb_has_help_with_an_example(verb: str, capsys: Capture) -> None:
    assert run([*verb.split(), "--help"]) == 0
    assert f"Example: abaco {verb} " in capsys.readouterr().out


def test_version_and_no_verb(capsys: Capture) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("abaco 0.")
    assert run([]) == 2
    assert run(["actors"]) == 2
    assert "abaco: error" not in capsys.readouterr().err


def test_user_verbs_import_nothing_of_the_server() -> None:
    heavy = "{'litestar', 'sqlalchemy', 'granian', 'alembic', 'abaco.bootstrap', 'abaco.cli.server'}"
    program = f"import sys; from abaco.cli.main import run; run(['--help']); sys.exit(bool({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_server_verbs_without_the_extra(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setitem(sys.modules, "abaco.cli.server", None)
    assert run(["serve", "--port", "1"]) == 1
    assert "pip install 'abaco-actors[server]'" in one_error_line(capsys)


def test_server_verbs_are_handed_all_their_arguments(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    heard: list[Any] = []

    def serve(words: list[str], port: int = 0) -> None:
        """Serve it."""
        heard.append((words, port))
        raise typer.Exit(9)

    def register(app: typer.Typer) -> None:
        app.command("serve")(serve)

    monkeypatch.setitem(sys.modules, "abaco.cli.server", _module(register=register))
    assert run(["serve", "a", "--port", "3", "b"]) == 9
    assert heard == [(["a", "b"], 3)]
    assert run(["serve", "--help"]) == 0
    assert "Serve it." in capsys.readouterr().out
    assert run(["serve", "--port", "x", "a"]) == 2
    assert "abaco serve --help" in one_error_line(capsys)


def _module(**contents: Any) -> ModuleType:
    module: Any = SimpleNamespace(**contents)
    return module  # type: ignore[no-any-return]


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_a_terminal_without_some_characters_shows_others(
    server: FakeServer, abaco: RunAbaco, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    server.add_actor("AbcActor00001", name="Größe-日本")
    server.add_execution("AbcActor00001", "Exec000000001")
    server.results["Exec000000001"] = ["日".encode(), b"\xff\x00"]

    def printed(*arguments: str) -> bytes:
        stdout = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        monkeypatch.setattr("sys.stdout", stdout)
        assert abaco(*arguments) == 0
        stdout.flush()
        assert isinstance(stdout.buffer, io.BytesIO)
        return stdout.buffer.getvalue()

    for verb in ("list", "show"):
        arguments = ["actors", verb, *(["AbcActor00001"] if verb == "show" else [])]
        assert "Größe-??".encode(encoding, "replace") in printed(*arguments)
        assert "Größe-日本" in printed(*arguments, "-o", "json").decode()
    assert printed("results", "AbcActor00001", "--all") == "日".encode() + b"\xff\x00"
    assert printed("actors", "list", "-o", "id") == b"AbcActor00001\n"
    printed("--help")
